// The first byte chooses a message, the rest are its bytes: they parse or not, and what parsed is stable: written,
// read and written again it is the same.
#include "troupe.pb.h"

#include <cstdint>
#include <cstdlib>
#include <memory>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static const bool quiet = (google::protobuf::SetLogHandler(nullptr), true);
  (void)quiet;
  auto* file = troupe::pb::geometry::descriptor()->file();
  auto* type = file->message_type(data[0] % file->message_type_count());
  auto* prototype = google::protobuf::MessageFactory::generated_factory()->GetPrototype(type);
  std::unique_ptr<google::protobuf::Message> first{prototype->New()}, second{prototype->New()};
  if (!first->ParseFromArray(data + 1, static_cast<int>(size - 1))) return 0;
  std::string once, twice;
  if (!first->SerializeToString(&once) || !second->ParseFromString(once)) std::abort();
  if (!second->SerializeToString(&twice) || once != twice) std::abort();
  return 0;
}
