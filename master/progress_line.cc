#include "master/progress_line.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>

#include "common/escape.h"
#include "master/messages.h"

namespace tally {
namespace {

constexpr auto kBetweenPlainLines = std::chrono::seconds(1);
constexpr auto kBetweenDraws = std::chrono::milliseconds(50);
constexpr std::string_view kEraseLine = "\r\x1b[K";

size_t TerminalWidth() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

bool TerminalMovesItsCursor() {
  const char* const term = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && term != nullptr && std::string_view(term) != "dumb" &&
         *term != '\0';
}

std::string FormatSeconds(uint64_t seconds) {
  if (seconds < 3600) return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
  return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

}  // namespace

std::string FormatBytes(double bytes) {
  constexpr std::array<std::string_view, 7> kUnits = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  size_t unit = 0;
  for (; bytes >= 999.5 && unit + 1 < kUnits.size(); ++unit) bytes /= 1000;
  const bool whole = unit == 0 || bytes >= 99.95;
  return fmt::format("{:.{}f} {}", bytes, whole ? 0 : 1, kUnits[unit]);
}

std::string FormatProgress(const ProgressState& state, std::chrono::duration<double> elapsed) {
  std::string line = state.more_chunks
                         ? fmt::format("{} chunks", state.chunks_done)
                         : fmt::format("{}/{} chunks", state.chunks_done, state.chunks_known);
  line += "  " + FormatBytes(static_cast<double>(state.bytes_done));
  if (state.bytes_total) line += " / " + FormatBytes(static_cast<double>(*state.bytes_total));
  const double seconds = elapsed.count();
  if (state.bytes_done > 0 && seconds > 0) {
    const double rate = static_cast<double>(state.bytes_done) / seconds;
    line += "  " + FormatBytes(rate) + "/s";
    if (state.bytes_total && *state.bytes_total >= state.bytes_done) {
      const double left = static_cast<double>(*state.bytes_total - state.bytes_done) / rate;
      line += "  ETA " + FormatSeconds(static_cast<uint64_t>(left + 0.999));
    }
  }
  if (!state.note.empty()) line += "  " + EscapeForMessage(state.note);
  return line;
}

ProgressLine::ProgressLine(ProgressMode mode) {
  if (mode == ProgressMode::kNever) return;
  if (TerminalMovesItsCursor()) {
    style_ = Style::kStatusLine;
  } else if (mode == ProgressMode::kAlways) {
    style_ = Style::kPlainLines;
  }
}

std::string ProgressLine::Format(const ProgressState& state) const {
  return FormatProgress(state, Clock::now() - start_);
}

void ProgressLine::Show(const ProgressState& state) {
  if (style_ != Style::kNone) Show(Format(state));
}

void ProgressLine::Show(const std::string& text) {
  switch (style_) {
    case Style::kNone:
      break;
    case Style::kStatusLine:
      if (drawn_ && Clock::now() < next_draw_) break;
      next_draw_ = Clock::now() + kBetweenDraws;
      // One column less: a full line makes some terminals go on to the next one.
      ShowIfReady(std::string(kEraseLine) + text.substr(0, TerminalWidth() - 1));
      drawn_ = true;
      break;
    case Style::kPlainLines:
      if (!last_plain_ || Clock::now() - *last_plain_ >= kBetweenPlainLines) PrintPlain(text);
      break;
  }
}

void ProgressLine::Finish(const ProgressState& state) {
  if (style_ == Style::kPlainLines) PrintPlain(Format(state));
  Erase();
}

void ProgressLine::Erase() {
  if (drawn_) ShowIfReady(kEraseLine);
  drawn_ = false;
}

void ProgressLine::PrintPlain(const std::string& text) {
  ShowIfReady("tally: " + text + "\n");
  last_plain_ = Clock::now();
}

}  // namespace tally
