#include "master/ordered_pipeline.h"

#include <pthread.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

namespace tally {
namespace {

// What one thread has made. It is handed over piece by piece: until a piece is fetched, the thread
// makes the next one, but no more.
struct Desk {
  uint64_t part = 0;  // of the piece, or of the next one
  std::string piece;
  bool is_full = false;  // there is a piece
  bool is_last = false;  // of its part
};

// Thrown in a maker whose text nobody wants any more.
struct NoLongerWanted {};

class Pipeline {
 public:
  Pipeline(uint64_t parts, uint32_t threads, const MakePart& make_part)
      : parts_(parts), make_part_(make_part) {
    // Whatever may throw otherwise comes before the first thread.
    while (desks_.size() < threads) desks_.push_back(std::make_unique<Desk>());
    threads_.reserve(threads);
    // Signals are for the calling thread, which waits where they matter.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      for (const auto& desk : desks_) {
        threads_.emplace_back([this, desk = desk.get()] { MakeParts(desk); });
      }
    } catch (const std::system_error&) {
      // As many as there are will do.
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }

  ~Pipeline() {
    {
      const std::lock_guard lock(mutex_);
      is_stopped_ = true;
    }
    changed_.notify_all();
    for (std::thread& thread : threads_) thread.join();
  }
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  bool has_threads() const { return !threads_.empty(); }

  void WriteTo(ByteSink* out) {
    std::string piece;
    for (uint64_t part = 0; part < parts_;) {
      if (FetchPiece(part, &piece)) ++part;
      if (!piece.empty()) out->Write(piece);
    }
  }

 private:
  class DeskSink : public ByteSink {
   public:
    DeskSink(Pipeline* pipeline, Desk* desk) : pipeline_(pipeline), desk_(desk) {}
    void Write(std::string_view bytes) override {
      pipeline_->HandOver(bytes, /*is_last=*/false, desk_);
    }

   private:
    Pipeline* pipeline_;
    Desk* desk_;
  };

  void MakeParts(Desk* desk) {
    try {
      DeskSink sink(this, desk);
      while (TakePart(desk)) {
        make_part_(desk->part, &sink);
        HandOver({}, /*is_last=*/true, desk);
      }
    } catch (const NoLongerWanted&) {
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      changed_.notify_all();
    }
  }

  // Parts are taken in order, so the one to be written next is made by a thread that need not wait.
  bool TakePart(Desk* desk) {
    std::unique_lock lock(mutex_);
    WaitUntilEmpty(desk, &lock);
    if (next_part_ == parts_) return false;
    desk->part = next_part_++;
    return true;
  }

  void HandOver(std::string_view piece, bool is_last, Desk* desk) {
    std::unique_lock lock(mutex_);
    WaitUntilEmpty(desk, &lock);
    desk->piece.assign(piece);
    desk->is_last = is_last;
    desk->is_full = true;
    lock.unlock();
    changed_.notify_all();
  }

  void WaitUntilEmpty(const Desk* desk, std::unique_lock<std::mutex>* lock) {
    changed_.wait(*lock, [&] { return !desk->is_full || is_stopped_; });
    if (is_stopped_) throw NoLongerWanted();
  }

  // Returns whether that was the part's last piece. `piece` comes in with room for a later one.
  bool FetchPiece(uint64_t part, std::string* piece) {
    std::unique_lock lock(mutex_);
    Desk* desk = nullptr;
    changed_.wait(lock, [&] {
      const auto found = std::find_if(desks_.begin(), desks_.end(), [part](const auto& each) {
        return each->is_full && each->part == part;
      });
      desk = found == desks_.end() ? nullptr : found->get();
      return desk != nullptr || failure_;
    });
    if (failure_) std::rethrow_exception(failure_);
    piece->swap(desk->piece);
    desk->is_full = false;
    const bool is_last = desk->is_last;
    lock.unlock();
    changed_.notify_all();
    return is_last;
  }

  const uint64_t parts_;
  const MakePart& make_part_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<Desk>> desks_;
  std::vector<std::thread> threads_;
  uint64_t next_part_ = 0;
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
