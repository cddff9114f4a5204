#include "actors/volume_desk.hpp"

#include <memory>
#include <utility>

namespace troupe {
namespace {

// Answers when nobody else did.
struct answer_once {
  explicit answer_once(volume_desk::on_report t) : then(std::move(t)) {}
  answer_once(const answer_once&) = delete;
  answer_once& operator=(const answer_once&) = delete;
  ~answer_once() {
    if (then) then(fail(ec::unavailable, "the process ends: whether the order was carried out is not known"));
  }
  volume_desk::on_report then;
};

} // namespace

void volume_desk::open(carrier c) {
  std::lock_guard lock{mutex_};
  carrier_ = std::move(c);
}

void volume_desk::close() { open(nullptr); }

void volume_desk::carry_out(pb::volume_order order, on_report then) const {
  auto once = std::make_shared<answer_once>(std::move(then));
  {
    std::lock_guard lock{mutex_};
    if (carrier_) {
      carrier_(std::move(order), [once](const result<pb::volume_report>& said) {
        if (auto f = std::exchange(once->then, nullptr)) f(said);
      });
      return;
    }
  }
  auto answer = std::exchange(once->then, nullptr);
  if (order.kind() == pb::volume_order::look) return answer(pb::volume_report{});
  answer(fail(ec::not_found, "this process has no volumes of shards"));
}

} // namespace troupe
