// Writes result rows as TSV, CSV, JSON or JSON lines.
#ifndef TALLY_MASTER_OUTPUT_H_
#define TALLY_MASTER_OUTPUT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "master/options.h"

namespace tally {

/// Where a RowWriter's bytes go. Write() takes all of them or throws.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual void Write(std::string_view bytes) = 0;
};

struct OutputStyle {
  OutputFormat format = OutputFormat::kTsv;
  bool header = false;  // tsv and csv: a first row "key", "count"
  bool begins = true;   // of the output; else rows were written before
  bool ends = true;
  bool escape_controls = false;  // to a terminal: control characters as \xNN (in JSON, \uNNNN)
};

/// One run's rows, in the order they are to appear. Buffers; Finish() must be called for the end
/// of the output to reach the sink.
class RowWriter {
 public:
  static constexpr size_t kReadableKeyBytes = 16;

  virtual ~RowWriter() = default;
  /// REQUIRES: kReadableKeyBytes can be read at `key`, whatever its size.
  virtual void Row(std::string_view key, uint64_t count) = 0;
  virtual void Finish() = 0;

  /// How many keys so far were not valid UTF-8 and so could only be shown with U+FFFD (json,
  /// jsonl); 0 for formats that pass bytes through.
  virtual uint64_t keys_replaced() const { return 0; }
};

/// `sink` must outlive the writer.
std::unique_ptr<RowWriter> MakeRowWriter(const OutputStyle& style, ByteSink* sink);

}  // namespace tally

#endif  // TALLY_MASTER_OUTPUT_H_
