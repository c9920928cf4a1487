// Shows on standard error how far a run is.
#ifndef TALLY_MASTER_PROGRESS_LINE_H_
#define TALLY_MASTER_PROGRESS_LINE_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "master/options.h"

namespace tally {

struct ProgressState {
  uint64_t chunks_done = 0;
  uint64_t chunks_known = 0;
  bool more_chunks = false;  // streams may still add some
  uint64_t bytes_done = 0;   // of the files, as stored
  std::optional<uint64_t> bytes_total = {};
  std::string note = {};  // what it is at, where that is not counting
};

/// "12/215 chunks  96.0 MB / 1.7 GB  1.4 GB/s  ETA 0:01".
std::string FormatProgress(const ProgressState& state, std::chrono::duration<double> elapsed);

/// 1000-based, three digits: "999 B", "1.2 kB", "96.0 MB".
std::string FormatBytes(double bytes);

/// A status line, cut to the terminal's width, that is drawn over itself on a terminal; plain
/// lines, at most one a second, where it was asked for on something else; nothing otherwise.
class ProgressLine {
 public:
  /// kAuto: only on a terminal that can move its cursor (TERM=dumb cannot).
  explicit ProgressLine(ProgressMode mode);
  /// Leaves no trace on a terminal.
  ~ProgressLine() { Erase(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void Show(const ProgressState& state);
  /// The same for a job of another kind: what it is at. May be called ever so often.
  void Show(const std::string& text);
  /// The work is done: a last plain line, where lines are plain.
  void Finish(const ProgressState& state);
  void Erase();

 private:
  using Clock = std::chrono::steady_clock;
  enum class Style { kNone, kStatusLine, kPlainLines };

  std::string Format(const ProgressState& state) const;
  void PrintPlain(const std::string& text);

  Style style_ = Style::kNone;
  bool drawn_ = false;
  Clock::time_point next_draw_{};
  Clock::time_point start_ = Clock::now();
  std::optional<Clock::time_point> last_plain_;
};

}  // namespace tally

#endif  // TALLY_MASTER_PROGRESS_LINE_H_
