// DELETE: the row goes first, in one batch; the space comes back later (the HEALER reclaims table garbage).
#include "api/objects/clustered_store.hpp"
#include "core/tables.hpp"

namespace troupe {

http::task<result<>> clustered_store::remove(
  std::string bucket_name, std::string key, object_conditions conditions, std::vector<pb::operation> beside) {
  pb::batch batch;
  auto* object = batch.add_operations();
  object->set_kind(pb::operation::erase);
  object->set_key(tables::object(bucket_name, key));
  object->set_collect(true);
  auto* inlined = batch.add_operations();
  inlined->set_kind(pb::operation::erase);
  inlined->set_key(tables::inline_content(bucket_name, key));
  for (auto& operation : beside) *batch.add_operations() = std::move(operation);
  co_return co_await publish(bucket_name, key, conditions, std::move(batch));
}

} // namespace troupe
