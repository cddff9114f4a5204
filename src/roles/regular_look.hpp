// regular_look: a thread that looks at something now and then, such as a file that may have been replaced, until its owner ends.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>

namespace troupe {

class regular_look {
public:
  // The first look is after one interval. `look` must not throw, and may use what outlives this.
  regular_look(std::chrono::milliseconds interval, std::function<void()> look)
      : interval_(interval), look_(std::move(look)), thread_([this] { run(); }) {}
  regular_look(const regular_look&) = delete;
  regular_look& operator=(const regular_look&) = delete;
  ~regular_look() { // a look that goes on is waited for
    {
      const std::lock_guard lock{mutex_};
      stopping_ = true;
    }
    wake_.notify_all();
    thread_.join();
  }

private:
  void run() {
    std::unique_lock lock{mutex_};
    while (!wake_.wait_for(lock, interval_, [this] { return stopping_; })) {
      lock.unlock();
      look_();
      lock.lock();
    }
  }

  std::chrono::milliseconds interval_;
  std::function<void()> look_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_; // the last member: it uses the others
};

} // namespace troupe
