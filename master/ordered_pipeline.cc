#include "master/ordered_pipeline.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "master/helper_threads.h"

namespace tally {
namespace {

struct Piece {
  uint64_t part = 0;
  bool is_last = false;  // of its part
  std::string text;
};

// What one thread has made and nobody has fetched yet.
struct Desk {
  // From so many bytes on, the thread waits. They are some parts: while one thread's is written,
  // the others make theirs.
  static constexpr size_t kEnoughBytes = size_t{1} << 20;
  std::deque<Piece> pieces;
  size_t bytes = 0;  // of their texts
};

// Thrown in a maker whose text nobody wants any more.
struct NoLongerWanted {};

class Pipeline {
 public:
  Pipeline(uint64_t parts, uint32_t threads, const MakePart& make_part)
      : parts_(parts), make_part_(make_part) {
    while (desks_.size() < threads) desks_.push_back(std::make_unique<Desk>());
    threads_ = StartHelpers(threads, make_parts_);
  }

  ~Pipeline() {
    {
      const std::lock_guard lock(mutex_);
      is_stopped_ = true;
    }
    changed_.notify_all();
    threads_.clear();  // joins them
  }
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  bool has_threads() const { return !threads_.empty(); }

  void WriteTo(ByteSink* out) {
    Piece piece;
    while (piece.part < parts_) {
      FetchPiece(&piece);
      if (!piece.text.empty()) out->Write(piece.text);
      if (piece.is_last) ++piece.part;
    }
  }

 private:
  class DeskSink : public ByteSink {
   public:
    DeskSink(Pipeline* pipeline, uint64_t part, Desk* desk)
        : pipeline_(pipeline), part_(part), desk_(desk) {}
    void Write(std::string_view bytes) override { Write(bytes, /*is_last=*/false); }
    void Write(std::string_view bytes, bool is_last) {
      pipeline_->HandOver(part_, bytes, is_last, desk_);
    }

   private:
    Pipeline* pipeline_;
    uint64_t part_;
    Desk* desk_;
  };

  void MakeParts(Desk* desk) {
    try {
      for (uint64_t part = TakePart(); part < parts_; part = TakePart()) {
        DeskSink sink(this, part, desk);
        make_part_(part, &sink);
        sink.Write({}, /*is_last=*/true);
      }
    } catch (const NoLongerWanted&) {
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      changed_.notify_all();
    }
  }

  // Parts are taken in order, so the one to be written next is made by a thread that need not wait.
  uint64_t TakePart() {
    const std::lock_guard lock(mutex_);
    return std::min(next_part_++, parts_);
  }

  void HandOver(uint64_t part, std::string_view text, bool is_last, Desk* desk) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return desk->bytes < Desk::kEnoughBytes || is_stopped_; });
    if (is_stopped_) throw NoLongerWanted();
    std::string room;
    if (!text.empty() && !spare_.empty()) {
      room = std::move(spare_.back());
      spare_.pop_back();
    }
    lock.unlock();
    room.assign(text);
    lock.lock();
    desk->bytes += room.size();
    desk->pieces.push_back({part, is_last, std::move(room)});
    lock.unlock();
    changed_.notify_all();
  }

  // Fetches the next piece of piece->part, whose text comes in as room for a later one.
  void FetchPiece(Piece* piece) {
    std::unique_lock lock(mutex_);
    Desk* desk = nullptr;
    changed_.wait(lock, [&] {
      const auto found = std::find_if(desks_.begin(), desks_.end(), [piece](const auto& each) {
        return !each->pieces.empty() && each->pieces.front().part == piece->part;
      });
      desk = found == desks_.end() ? nullptr : found->get();
      return desk != nullptr || failure_;
    });
    if (failure_) std::rethrow_exception(failure_);
    // Who hands over no text takes no room. (One that a giant row made large would be so for ever.)
    const bool is_usual = !piece->text.empty() && piece->text.capacity() <= Desk::kEnoughBytes / 4;
    if (is_usual) spare_.push_back(std::move(piece->text));
    *piece = std::move(desk->pieces.front());
    desk->pieces.pop_front();
    desk->bytes -= piece->text.size();
    lock.unlock();
    changed_.notify_all();
  }

  const uint64_t parts_;
  const MakePart& make_part_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Desk>> desks_;
  const std::function<void(uint32_t)> make_parts_ = [this](uint32_t thread) {
    MakeParts(desks_[thread].get());
  };
  std::vector<std::jthread> threads_;
  uint64_t next_part_ = 0;
  std::vector<std::string> spare_;  // rooms for later pieces
  std::exception_ptr failure_;
  bool is_stopped_ = false;
};

}  // namespace

void WriteInOrder(uint64_t parts, uint32_t threads, const MakePart& make_part, ByteSink* out) {
  threads = static_cast<uint32_t>(std::min<uint64_t>(threads, parts));
  if (threads > 1) {
    Pipeline pipeline(parts, threads, make_part);
    if (pipeline.has_threads()) return pipeline.WriteTo(out);
  }
  for (uint64_t part = 0; part < parts; ++part) make_part(part, out);
}

}  // namespace tally
