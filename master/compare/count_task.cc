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
  options.progress = ProgressMode::kNever;
  options.output_path = PathOf(output);
  RunCount(options, launch.executor);
  return {.text = Fingerprint(output), .errors = {}};
}

// A tenth of what a slow disk reads: what is not done by then hangs.
std::chrono::seconds DeadlineFor(const std::vector<std::string>& files) {
  constexpr uint64_t kBytesPerSecond = 5'000'000;
  uint64_t bytes = 0;
  for (const std::string& file : files) {
    std::error_code error;  // a file that is gone fails the runs
    const uint64_t size = std::filesystem::file_size(file, error);
    if (!error) bytes += size;
  }
  return std::chrono::minutes(1) + std::chrono::seconds(bytes / kBytesPerSecond);
}

Task TaskOfFiles(std::vector<std::string> files, std::string summary) {
  const auto deadline = DeadlineFor(files);
  return {.name = "count",
          .summary = std::move(summary),
          .run = [files = std::move(files)](const Launch& launch) { return Count(files, launch); },
          .deadline = deadline,
          .not_shown = "a disk. After the first run the text is in memory."};
}

}  // namespace

Task CountTask(const std::vector<std::string>& files) {
  if (!files.empty()) {
    const std::string more = files.size() > 1 ? fmt::format(" and {} more", files.size() - 1) : "";
    return TaskOfFiles(files, "tally count " + EscapeForMessage(files[0]) + more);
  }
  const auto sample = std::make_shared<UniqueFd>(MakeMemoryFile());
  WriteSample(*sample, kSampleBytes);
  Task task = TaskOfFiles({PathOf(*sample)}, "tally count, on a made-up text of 32 MiB");
  // The task keeps its sample.
  task.run = [sample, run = task.run](const Launch& launch) { return run(launch); };
  return task;
}

}  // namespace tally::compare
