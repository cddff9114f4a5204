// volume_orders: what operators ask of this process's volumes of shards (actors/volume_desk.hpp), and their regular snapshots: carried
// out by a thread of its own, one after the other, since all may wait for the disk or for EC2. A look is answered at once.
#pragma once

#include "actors/volume_desk.hpp"
#include "volumes/shard_manager.hpp"
#include "volumes/volume_provider.hpp"

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace troupe {

struct volume_orders_options {
  shard_manager* manager = nullptr;                      // outlives this
  std::function<std::vector<volume_facts>()> seen;       // lately; must not wait
  std::function<void(const std::string& volume)> retake; // has its holder take the volume anew
  // As attached_volume::grow() of this volume.
  std::function<result<grown_volume>(
    const std::string& volume, const wanted_growth&, const std::function<bool()>& mine)>
    grow;
};

class volume_orders {
public:
  explicit volume_orders(volume_orders_options);
  ~volume_orders();
  void take(pb::volume_order, volume_desk::on_report); // as a volume_desk::carrier
  // After the order that is being carried out, which growing ends early for; those that wait are dropped.
  void stop();

private:
  using order = std::pair<pb::volume_order, volume_desk::on_report>;
  void run();
  result<pb::volume_report> look();
  result<pb::volume_report> carry_out(const pb::volume_order&);
  result<pb::volume_report> restore(const pb::volume_order&);
  result<pb::volume_report> grow(const pb::volume_order&);
  bool stopping();
  bool wait(std::chrono::milliseconds); // false: stopping

  volume_orders_options options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<order> waiting_;
  bool stopping_ = false;
  std::thread thread_;
};

} // namespace troupe
