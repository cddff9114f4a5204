#include "api/http/worker.hpp"

#include "api/http/connection_state.hpp"

#include <array>
#include <ctime>

namespace troupe::http {

worker::worker(unsigned index, wall_clock& clock, entropy& random) : index_(index), clock_(clock) {
  random.fill({reinterpret_cast<std::byte*>(&id_state_), sizeof id_state_});
  if (id_state_ == 0) id_state_ = 1; // the one state xorshift never leaves
}

void worker::tick() {
  now_ = steady::now();
  auto second = clock_.now() / 1000;
  if (second == date_second_) return;
  date_second_ = second;
  auto t = static_cast<std::time_t>(second);
  std::tm parts{};
  gmtime_r(&t, &parts);
  std::array<char, 40> text{};
  auto n = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts); // the C locale's names
  date_.assign(text.data(), n);
}

// xorshift64: unique enough to find a request in a log, and not a secret.
std::string worker::new_request_id() {
  id_state_ ^= id_state_ << 13;
  id_state_ ^= id_state_ >> 7;
  id_state_ ^= id_state_ << 17;
  std::string id(16, '0');
  for (unsigned i = 0; i < 16; ++i) id[i] = "0123456789ABCDEF"[(id_state_ >> (60 - 4 * i)) & 15];
  return id;
}

void worker::link(connection_state& c) {
  c.next = first_;
  c.previous = nullptr;
  if (first_ != nullptr) first_->previous = &c;
  first_ = &c;
}

void worker::unlink(connection_state& c) {
  (c.previous != nullptr ? c.previous->next : first_) = c.next;
  if (c.next != nullptr) c.next->previous = c.previous;
}

} // namespace troupe::http
