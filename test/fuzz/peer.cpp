// What comes from another process and is parsed below the actors: a frame's header, a cluster map, gossip. The first byte
// chooses. A header or a map that is taken is written as it was read; gossip takes anything without harm.
#include "codec/frame.hpp"
#include "core/cluster_map.hpp"
#include "core/gossip.hpp"

#include <cstdint>
#include <cstdlib>

namespace {

class no_entropy final : public troupe::entropy {
public:
  void fill(troupe::bytes_span out) override {
    for (auto& b : out) b = static_cast<std::byte>(++state_ * 37);
  }

private:
  unsigned state_ = 0;
};

void header(troupe::bytes_view bytes) {
  auto parsed = troupe::parse_header(bytes);
  if (!parsed) return;
  std::string again;
  troupe::append_header(again, *parsed);
  if (troupe::as_bytes(again).size() != troupe::frame_header::bytes ||
    troupe::parse_header(troupe::as_bytes(again)).value() != *parsed)
    std::abort();
}

void map(troupe::bytes_view bytes) {
  troupe::pb::cluster_map message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  auto made = troupe::cluster_map::make(message);
  if (made && troupe::cluster_map::make(made->message()).value() != *made) std::abort();
}

void gossip(troupe::bytes_view bytes) {
  using namespace std::chrono_literals;
  troupe::pb::gossip_message message;
  if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  no_entropy random;
  troupe::gossip members{troupe::node_id{"a"}, "a:1", 1, {}, {}, random, 0ms};
  members.receive(message, 1ms);
  members.receive(message, 5000ms);
  members.tick(6000ms);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static const bool quiet = (google::protobuf::SetLogHandler(nullptr), true);
  (void)quiet;
  troupe::bytes_view rest{reinterpret_cast<const std::byte*>(data + 1), size - 1};
  switch (data[0] % 3) {
  case 0: header(rest); break;
  case 1: map(rest); break;
  default: gossip(rest);
  }
  return 0;
}
