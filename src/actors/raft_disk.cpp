#include "actors/raft_disk.hpp"

#include "codec/checksum.hpp"
#include "store/disk.hpp"

#include <algorithm>
#include <utility>

namespace troupe {
namespace {

// A small file: eight bytes that name its kind and format version, CRC32C of the rest (4 bytes, little endian),
// a Protobuf message.
constexpr std::string_view vote_kind = "TRPvote1", snapshot_kind = "TRPsnap1", intent_kind = "TRPinst1",
                           recovering_kind = "TRPrecv1";
constexpr std::size_t head_bytes = 12;
constexpr std::uint64_t small_file_bytes_max = std::uint64_t{1} << 20;

std::string path_of(const std::string& directory, std::string_view kind) {
  if (kind == vote_kind) return directory + "/vote";
  if (kind == intent_kind) return directory + "/install";
  if (kind == recovering_kind) return directory + "/recovering";
  return directory + "/snapshot";
}

std::string crc_text(std::string_view body) {
  auto crc = crc32c(as_bytes(body));
  std::string text;
  for (int shift = 0; shift < 32; shift += 8) text += static_cast<char>((crc >> shift) & 0xff);
  return text;
}

template <class Message>
result<> write_small(disk& files, const std::string& directory, std::string_view kind, const Message& message) {
  auto body = message.SerializeAsString();
  return replace_file(files, path_of(directory, kind), as_bytes(std::string{kind} + crc_text(body) + body));
}

// Nothing when there is no such file.
template <class Message>
result<std::optional<Message>> read_small(disk& files, const std::string& directory, std::string_view kind) {
  auto path = path_of(directory, kind);
  auto there = files.exists(path);
  if (!there) return std::move(there).error();
  if (!*there) return std::optional<Message>{};
  auto content = read_file(files, path, small_file_bytes_max);
  if (!content) return std::move(content).error();
  if (content->size() < head_bytes || std::string_view{*content}.substr(0, kind.size()) != kind)
    return fail(ec::corrupt, path + " is not a file of kind " + std::string{kind});
  auto body = std::string_view{*content}.substr(head_bytes);
  Message message;
  if (content->substr(kind.size(), 4) != crc_text(body) ||
    !message.ParseFromArray(body.data(), static_cast<int>(body.size())))
    return fail(ec::corrupt, path + " fails its checksum");
  return std::optional<Message>{std::move(message)};
}

} // namespace

result<std::unique_ptr<raft_disk>> raft_disk::open(disk& files, raft_disk_options options) {
  std::unique_ptr<raft_disk> opened{new raft_disk{files, std::move(options)}};
  TROUPE_TRY(opened->load());
  return opened;
}

result<> raft_disk::load() {
  TROUPE_TRY(files_.make_directory(options_.directory));
  auto vote = read_small<pb::raft_vote>(files_, options_.directory, vote_kind);
  if (!vote) return std::move(vote).error();
  auto manifest = read_small<pb::raft_manifest>(files_, options_.directory, snapshot_kind);
  if (!manifest) return std::move(manifest).error();
  if (*vote) vote_ = std::move(**vote);
  manifest_ = std::move(*manifest);
  auto recovering = read_small<pb::raft_vote>(files_, options_.directory, recovering_kind);
  if (!recovering) return std::move(recovering).error();
  recovering_ = recovering->has_value();
  TROUPE_TRY(load_intent());
  first_kept_ = snapshot_index() + 1;
  last_term_ = manifest_ ? manifest_->term() : 0;
  log_options how;
  how.directory = options_.directory;
  how.segment_bytes = options_.segment_bytes;
  how.payload_bytes_max = options_.entry_bytes_max;
  how.direct = true;
  how.spare_segments = 2; // as many as a checkpoint makes superfluous under load
  how.random = options_.random;
  auto opened = log::open(files_, std::move(how), {}, [this](const log_entry_view& e) { return load_entry(e); });
  if (!opened) return std::move(opened).error();
  log_ = std::move(*opened);
  if (intended_) TROUPE_TRY(finish_reset(stale_from_));
  return check_loaded();
}

// A crash came between intend() and the end of reset_to(). When the state is the new one the log follows; else nothing
// happened yet.
result<> raft_disk::load_intent() {
  auto intent = read_small<pb::raft_manifest>(files_, options_.directory, intent_kind);
  if (!intent) return std::move(intent).error();
  if (!*intent) return {};
  intended_ = true;
  if (options_.state_index < (*intent)->index()) return forget_intent();
  if (vote_.term() < (*intent)->term()) TROUPE_TRY(set_vote((*intent)->term(), 0));
  TROUPE_TRY(write_small(files_, options_.directory, snapshot_kind, **intent));
  manifest_ = std::move(*intent);
  return {};
}

result<> raft_disk::load_entry(const log_entry_view& e) {
  auto index = e.record.n1, term = e.record.n2;
  auto where = [&] {
    return "segment " + std::to_string(e.position.segment) + " offset " + std::to_string(e.position.offset) + " of " +
      options_.directory + ": entry " + std::to_string(index);
  };
  auto expected = first_kept_ + kept_.size();
  log_empty_ = false;
  if (kept_.empty() && index < expected) return {}; // the snapshot covers it
  if (intended_) {                                  // the state that came from the leader replaces it
    if (!stale_from_) stale_from_ = e.position;
    return {};
  }
  if (index != expected) return fail(ec::corrupt, where() + " where " + std::to_string(expected) + " was expected");
  if (term < last_term_)
    return fail(ec::corrupt, where() + " is of term " + std::to_string(term) + ", after " + std::to_string(last_term_));
  last_term_ = term;
  kept_.push_back({e.position, e.payload.size()});
  payload_bytes_ += e.payload.size();
  loaded_.push_back({term, e.record.type, chunk::copy_of(e.payload)});
  return {};
}

result<> raft_disk::check_loaded() const {
  if (last_term_ > vote_.term() || (manifest_ && manifest_->term() > vote_.term()))
    return fail(ec::corrupt,
      path_of(options_.directory, vote_kind) + " is of term " + std::to_string(vote_.term()) +
        ", the log beside it of a later one: it is old or missing");
  // At least one entry from before the snapshot is always kept.
  if (manifest_ && log_empty_)
    return fail(ec::corrupt, options_.directory + ": the log is missing, the snapshot beside it is not");
  return {};
}

result<> raft_disk::set_vote(std::uint64_t term, std::uint64_t voted_for) {
  pb::raft_vote vote;
  vote.set_term(term);
  vote.set_voted_for(voted_for);
  TROUPE_TRY(write_small(files_, options_.directory, vote_kind, vote));
  vote_ = std::move(vote);
  return {};
}

result<> raft_disk::set_recovering(bool on) {
  if (on) {
    TROUPE_TRY(write_small(files_, options_.directory, recovering_kind, pb::raft_vote{}));
  } else {
    TROUPE_TRY(files_.remove(path_of(options_.directory, recovering_kind)));
    TROUPE_TRY(files_.sync_directory(options_.directory));
  }
  recovering_ = on;
  return {};
}

result<> raft_disk::intend(const pb::raft_manifest& manifest) {
  TROUPE_TRY(write_small(files_, options_.directory, intent_kind, manifest));
  intended_ = true;
  return {};
}

result<> raft_disk::forget_intent() {
  if (!intended_) return {};
  TROUPE_TRY(files_.remove(path_of(options_.directory, intent_kind)));
  TROUPE_TRY(files_.sync_directory(options_.directory));
  intended_ = false;
  return {};
}

result<> raft_disk::reset_to(const pb::raft_manifest& manifest) {
  TROUPE_TRY(write_small(files_, options_.directory, snapshot_kind, manifest));
  manifest_ = manifest;
  std::optional<log_position> stale;
  if (!kept_.empty()) stale = kept_.front().position;
  kept_.clear();
  payload_bytes_ = 0;
  first_kept_ = manifest.index() + 1;
  return finish_reset(stale);
}

// A record stands in for the entry that the snapshot ends with, so that a log that holds something can be told from one
// that was lost.
result<> raft_disk::finish_reset(std::optional<log_position> stale) {
  constexpr std::uint8_t barrier = 2; // it does nothing
  if (stale) TROUPE_TRY(log_->truncate_from(*stale));
  log_record last{.type = barrier, .id = {}, .n1 = manifest_->index(), .n2 = manifest_->term()};
  auto at = log_->append(last, {});
  if (!at) return std::move(at).error();
  TROUPE_TRY(log_->sync());
  log_empty_ = false;
  return forget_intent();
}

result<> raft_disk::append(std::span<const entry> entries) {
  auto first = last_index() + 1;
  for (const auto& e : entries) {
    log_record record{.type = e.type, .id = {}, .n1 = last_index() + 1, .n2 = e.term};
    auto at = log_->append(record, std::span{&e.payload, 1});
    if (!at) {
      if (last_index() >= first) TROUPE_TRY(truncate_from(first));
      return std::move(at).error();
    }
    kept_.push_back({*at, e.payload.size()});
    payload_bytes_ += e.payload.size();
  }
  return {};
}

result<> raft_disk::truncate_from(std::uint64_t index) {
  if (index < first_kept_)
    return fail(ec::bad_argument, "entry " + std::to_string(index) + " is covered by the snapshot");
  if (index > last_index()) return {};
  TROUPE_TRY(log_->truncate_from(kept_[static_cast<std::size_t>(index - first_kept_)].position));
  while (last_index() >= index) {
    payload_bytes_ -= kept_.back().payload_bytes;
    kept_.pop_back();
  }
  return {};
}

result<> raft_disk::write_manifest(disk& files, const std::string& directory, const pb::raft_manifest& manifest) {
  return write_small(files, directory, snapshot_kind, manifest);
}

void raft_disk::snapshotted(const pb::raft_manifest& manifest, std::uint64_t trailing) {
  manifest_ = manifest;
  trailing = std::max<std::uint64_t>(trailing, 1); // a log that holds something can be told from one that was lost
  while (!kept_.empty() && first_kept_ + trailing <= manifest.index()) {
    payload_bytes_ -= kept_.front().payload_bytes;
    kept_.pop_front();
    ++first_kept_;
  }
  auto needed = kept_.empty() ? log_->end().segment : kept_.front().position.segment;
  for (const auto& segment : log_->segments()) {
    if (segment.number >= needed || segment.number >= log_->end().segment) break;
    if (!log_->remove_segment(segment.number)) break; // the next snapshot tries again; nothing depends on it
  }
}

} // namespace troupe
