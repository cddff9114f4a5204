#include "core/event_log.hpp"

#include <algorithm>

namespace troupe {

void event_log::add(std::string kind, std::string node, std::string text) {
  if (text.size() > text_bytes_max) text.resize(text_bytes_max);
  auto now = clock_.now();
  std::lock_guard lock{mutex_};
  events_.push_back(
    {.number = ++last_, .at = now, .kind = std::move(kind), .node = std::move(node), .text = std::move(text)});
  if (events_.size() > capacity_) events_.pop_front();
}

event_log::page event_log::after(std::uint64_t number, std::size_t max) const {
  std::lock_guard lock{mutex_};
  if (number > last_) number = 0;
  page p{.events = {}, .lost = 0, .last = number};
  if (events_.empty() || number == last_) return p;
  auto first = events_.front().number; // they are numbered without gaps
  if (number + 1 < first) p.lost = first - (number + 1);
  auto skipped = number + 1 < first ? 0 : number + 1 - first;
  for (auto i = static_cast<std::size_t>(skipped); i < events_.size() && p.events.size() < max; ++i)
    p.events.push_back(events_[i]);
  p.last = p.events.empty() ? number : p.events.back().number;
  return p;
}

std::uint64_t event_log::last() const {
  std::lock_guard lock{mutex_};
  return last_;
}

std::optional<event_log::watcher> event_log::watch() {
  std::lock_guard lock{mutex_};
  if (watchers_ >= watchers_max) return std::nullopt;
  ++watchers_;
  return std::optional<watcher>{std::in_place, *this};
}

bool event_log::watched() const {
  std::lock_guard lock{mutex_};
  return watchers_ > 0;
}

event_log::watcher::~watcher() {
  if (log_ == nullptr) return;
  std::lock_guard lock{log_->mutex_};
  --log_->watchers_;
}

} // namespace troupe
