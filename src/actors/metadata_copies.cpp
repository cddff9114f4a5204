// METADATA serves copies of its checkpointed state to members that lag behind its log.
//
// The WORKER makes a copy. It runs the checkpoints, too, one after the other, so none begins or ends while a copy's read
// transaction is open, and the answers come in the order of the work: when a copy is here, the manifest is still the one
// of its very entry. Where it is not (its manifest could not be written), there is no copy until the next checkpoint. The
// price: a checkpoint waits for a copy that is being made, and commits wait for the checkpoint once held_bytes_max of
// entries have gathered.

#include "actors/metadata_state.hpp"

#include <algorithm>

namespace troupe {
namespace {

constexpr std::size_t copies_max = 2;
constexpr std::size_t page_bytes = std::size_t{1} << 20;

using copy_reply = reply<wire<pb::state_copy_page>>;

void made(metadata_pointer self, const std::shared_ptr<state_copy>& copy, const copy_reply& answer) {
  auto& s = self->state;
  const auto* manifest = s.host->manifest();
  auto index = metadata_replica::index_of(copy->position());
  if (!index) return answer(index.error());
  if (refuses(s)) return answer(refusal(s));
  if (manifest == nullptr || manifest->index() != *index)
    return answer(fail(ec::unavailable, "the metadata state has no snapshot at its entry " + std::to_string(*index)));
  pb::state_copy_page page;
  page.set_copy(++s.copies_made);
  page.set_bytes(copy->bytes());
  page.set_crc32c(copy->checksum());
  *page.mutable_manifest() = *manifest;
  s.copies[s.copies_made] = {copy, self->clock().now() + s.options.copy_idle};
  answer(wire{std::move(page)});
}

void begin(metadata_pointer self, const copy_reply& answer) {
  auto& s = self->state;
  if (s.copies.size() + s.copies_in_the_making >= copies_max)
    return answer(fail(ec::slow_down, "there are " + std::to_string(copies_max) + " copies of the state already"));
  ++s.copies_in_the_making;
  auto made_here = std::make_shared<std::shared_ptr<state_copy>>();
  auto job = [made_here, base = s.options.base]() -> result<> {
    auto copy = base->copy();
    if (!copy) return std::move(copy).error();
    *made_here = std::move(*copy);
    return {};
  };
  self->request(s.options.worker, caf::infinite, run_atom::value, work{std::move(job)})
    .then(
      [self, made_here, answer] {
        --self->state.copies_in_the_making;
        made(self, *made_here, answer);
      },
      [self, answer](const caf::error& e) {
        --self->state.copies_in_the_making;
        answer(from_caf(e));
      });
}

result<wire<pb::state_copy_page>> page_of(metadata_pointer self, const pb::state_copy_request& request) {
  auto& s = self->state;
  auto found = s.copies.find(request.copy());
  if (found == s.copies.end())
    return fail(ec::not_found, "there is no copy " + std::to_string(request.copy()) + " of the state (any more)");
  pb::state_copy_page page;
  page.set_copy(request.copy());
  page.set_offset(request.offset());
  if (request.kind() == pb::state_copy_request::end) {
    s.copies.erase(found);
    return wire{std::move(page)};
  }
  auto& copy = *found->second.copy;
  if (request.offset() > copy.bytes()) return fail(ec::bad_argument, "an offset behind the end of the copy");
  auto left = copy.bytes() - request.offset();
  auto data = copy.read(request.offset(), static_cast<std::size_t>(std::min<std::uint64_t>(left, page_bytes)));
  if (!data) return std::move(data).error();
  page.set_data(std::move(*data));
  found->second.until = self->clock().now() + s.options.copy_idle;
  return wire{std::move(page)};
}

} // namespace

caf::result<wire<pb::state_copy_page>> serve_copy(metadata_pointer self, const wire<pb::state_copy_request>& request) {
  if (refuses(self->state)) return to_caf(refusal(self->state));
  copy_reply answer{self};
  switch (request->kind()) {
  case pb::state_copy_request::begin: begin(self, answer); break;
  case pb::state_copy_request::page:
  case pb::state_copy_request::end: answer(page_of(self, *request)); break;
  default: answer(fail(ec::bad_argument, "an unknown request for a copy of the state"));
  }
  return answer.later();
}

void expire_copies(metadata_state& s, metadata_state::time_point now) {
  std::erase_if(s.copies, [&](auto& c) { return c.second.until <= now; });
}

} // namespace troupe
