// Task `count`: what `tally count` does, from the opening of the files to the last byte of output.
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "common/error.h"
#include "common/escape.h"
#include "common/hash.h"
#include "common/mapped_file.h"
#include "common/unique_fd.h"
#include "master/compare/sample.h"
#include "master/compare/tasks.h"
#include "master/count_job.h"

namespace tally::compare {
namespace {

constexpr size_t kSampleBytes = size_t{32} << 20;

// The output is compared byte by byte: by its hash.
std::string Fingerprint(const UniqueFd& output) {
  struct stat about {};
  if (fstat(output.get(), &about) != 0) throw SystemError("the output", "cannot be read", errno);
  if (about.st_size == 0) return "0 keys";
  const MappedFile mapped(output.get(), static_cast<size_t>(about.st_size));
  const std::string_view text = mapped.text();
  return fmt::format("{} keys, XXH3 {:016x}", std::count(text.begin(), text.end(), '\n'),
                     HashBytes(text.data(), text.size(), /*seed=*/0));
}

Result Count(const std::vector<std::string>& files, const Launch& launch) {
  const UniqueFd output = MakeMemoryFile();
  CountOptions options;
  options.files = files;
  options.workers = launch.workers;
  options.mode = launch.mode;
  options.quiet = true;
  options.warnings = false;
  options.progress = ProgressMode::kNever;
  options.output_path = PathOf(output);
  try {
    RunCount(options, launch.executor);
  } catch (const Error& error) {
    throw Error(fmt::format("tally count: {}", error.what()));  // whose options it may speak of
  }
  return {.text = Fingerprint(output), .errors = {}};
}

uint64_t BytesIn(const std::vector<std::string>& files) {
  uint64_t bytes = 0;
  for (const std::string& file : files) {
    std::error_code error;  // a file that is gone fails the runs
    const uint64_t size = std::filesystem::file_size(file, error);
    if (!error) bytes += size;
  }
  return bytes;
}

// A tenth of what a slow disk reads: what is not done by then hangs.
std::chrono::seconds DeadlineFor(const std::vector<std::string>& files) {
  constexpr uint64_t kBytesPerSecond = 5'000'000;
  return std::chrono::minutes(1) + std::chrono::seconds(BytesIn(files) / kBytesPerSecond);
}

std::string NotShown(const std::vector<std::string>& files) {
  std::string text = "This shows nothing of a disk: after the first run the text is in memory.";
  if (files.size() == 1 && BytesIn(files) <= CountOptions().chunk_size_bytes) {
    text +=
        " Nor what workers can do: so small a file is a single chunk, which one of them counts.";
  }
  return text;
}

Task TaskOfFiles(const std::vector<std::string>& files, std::string summary) {
  return {.name = "count",
          .summary = std::move(summary),
          .run = [files](const Launch& launch) { return Count(files, launch); },
          .deadline = DeadlineFor(files),
          .not_shown = NotShown(files)};
}

}  // namespace

Task CountTask(const std::vector<std::string>& files) {
  if (!files.empty()) {
    const std::string more = files.size() > 1 ? fmt::format(" and {} more", files.size() - 1) : "";
    return TaskOfFiles(files, "tally count " + EscapeForMessage(files[0]) + more);
  }
  const std::string summary = "tally count, on a made-up text of 32 MiB";
  try {
    const auto sample = std::make_shared<UniqueFd>(MakeMemoryFile());
    WriteSample(*sample, kSampleBytes);
    Task task = TaskOfFiles({PathOf(*sample)}, summary);
    // The task keeps its sample.
    task.run = [sample, run = task.run](const Launch& launch) { return run(launch); };
    return task;
  } catch (const Error& error) {
    // The other tasks do without it.
    const std::string why = fmt::format("the made-up text: {}", error.what());
    return {.name = "count", .summary = summary, .run = [why](const Launch&) -> Result {
              throw Error(why);
            }};
  }
}

}  // namespace tally::compare
