#include "actors/metadata_replica.hpp"

#include <string>
#include <utility>

namespace troupe {
namespace {

// The position that a checkpoint carries: index and term, eight bytes each, big endian.
std::string encode_position(std::uint64_t index, std::uint64_t term) {
  std::string out;
  for (auto value : {index, term})
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>((value >> shift) & 0xff);
  return out;
}

} // namespace

result<std::uint64_t> metadata_replica::index_of(const std::string& position) {
  if (position.empty()) return std::uint64_t{0}; // never checkpointed
  if (position.size() != 16)
    return fail(
      ec::corrupt, "the metadata state has a position of " + std::to_string(position.size()) + " bytes, not 16");
  std::uint64_t index = 0;
  for (auto c : position.substr(0, 8)) index = index << 8 | static_cast<unsigned char>(c);
  return index;
}

result<std::unique_ptr<metadata_replica>> metadata_replica::open(
  std::shared_ptr<state_base> base, checkpoint_limits limits) {
  auto position = base->position();
  if (!position) return std::move(position).error();
  auto index = index_of(*position);
  if (!index) return std::move(index).error();
  return std::unique_ptr<metadata_replica>{new metadata_replica{std::move(base), limits, *index}};
}

result<> metadata_replica::apply(std::uint64_t index, bytes_view command) {
  handed_in_ = index;
  command_bytes_ += command.size();
  ++commands_;
  if (index <= applied_) return {};
  pb::log_entry entry;
  auto* known = source_ ? source_(index) : nullptr;
  if (known != nullptr && static_cast<std::size_t>(known->GetCachedSize()) == command.size())
    entry.Swap(known);
  else if (!entry.ParseFromArray(command.data(), static_cast<int>(command.size())))
    return fail(ec::corrupt, "Raft entry " + std::to_string(index) + " does not parse");
  if (entry.index() != index)
    return fail(
      ec::corrupt, "Raft entry " + std::to_string(index) + " says that it is entry " + std::to_string(entry.index()));
  TROUPE_TRY(machine_.apply(std::move(entry), index, [&](metadata_machine::batch_outcome o) {
    if (tell_) tell_(index, std::move(o));
  }));
  applied_ = index;
  return {};
}

bool metadata_replica::wants_checkpoint() const {
  if (paused_ || rows_.checkpointing() || handed_in_ < checkpointed_) return false; // never back to an older position
  return rows_.overlay_bytes() >= limits_.overlay_bytes || command_bytes_ >= limits_.command_bytes ||
    commands_ >= limits_.commands;
}

std::function<result<>()> metadata_replica::begin_checkpoint(std::uint64_t index, std::uint64_t term) {
  command_bytes_ = commands_ = 0;
  checkpointing_ = index;
  return rows_.begin_checkpoint(encode_position(index, term));
}

void metadata_replica::end_checkpoint(const result<>& outcome, bool snapshot_taken) {
  rows_.end_checkpoint(outcome);
  if (outcome) checkpointed_ = checkpointing_;
  if (!snapshot_taken) command_bytes_ = limits_.command_bytes; // still due
}

result<> metadata_replica::replace(state_arrival& arrival) {
  TROUPE_TRY(rows_.replace(arrival));
  auto index = index_of(rows_.position());
  if (!index) return std::move(index).error();
  applied_ = checkpointed_ = handed_in_ = *index;
  command_bytes_ = commands_ = 0;
  return {};
}

} // namespace troupe
