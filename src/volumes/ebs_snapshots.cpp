#include "volumes/ebs_snapshots.hpp"

#include "codec/text.hpp"
#include "volumes/volume.hpp"
#include "volumes/volume_provider.hpp"

#include <algorithm>

namespace troupe {
namespace {

constexpr const char* name_tag = "troupe-snapshot";
constexpr const char* volume_tag = "troupe-volume";

std::string tag_of(const ebs_snapshot& s, std::string_view key) {
  for (const auto& [k, v] : s.tags)
    if (k == key) return v;
  return {};
}

class ebs_snapshots final : public snapshot_store {
public:
  ebs_snapshots(ec2_options o, std::string volume) : ec2_(std::move(o)), volume_(std::move(volume)) {}

  result<pb::snapshot_line> make(volume& v, const std::string& name, unix_ms now) override {
    if (!is_volume_id(name))
      return fail(
        ec::bad_argument, "a snapshot's name needs 1 to 63 of a-z 0-9 . _ -, beginning with a letter or digit");
    auto there = named(v, name);
    if (!there) return std::move(there).error();
    if (!there->empty()) return fail(ec::conflict, volume_ + " has a snapshot " + name + " already");
    if (!v.held()) return fail(ec::unavailable, "this node is not the primary of volume " + v.id());
    auto id = ec2_.create_snapshot(volume_, "troupe " + v.id() + " " + name,
      {{volume_tag, v.id()}, {name_tag, name}, {"Name", v.id() + "-" + name}});
    if (!id) return std::move(id).error();
    pb::snapshot_line line;
    line.set_name(name);
    line.set_id(*id);
    line.set_state("pending");
    line.set_made_ms(now);
    return line;
  }

  result<std::vector<pb::snapshot_line>> list(const volume& v) override {
    auto all = ec2_.describe_snapshots(volume_, name_tag);
    if (!all) return std::move(all).error();
    std::vector<pb::snapshot_line> out;
    for (const auto& s : *all) {
      if (tag_of(s, volume_tag) != v.id()) continue;
      auto& line = out.emplace_back();
      line.set_name(tag_of(s, name_tag));
      line.set_id(s.id);
      line.set_state(s.state);
      line.set_made_ms(parse_iso8601(s.started).value_or(0));
    }
    std::ranges::stable_sort(out, {}, [](const auto& line) { return line.made_ms(); });
    return out;
  }

  result<> remove(const volume& v, const std::string& name) override {
    auto there = named(v, name);
    if (!there) return std::move(there).error();
    if (there->empty()) return fail(ec::not_found, volume_ + " has no snapshot " + name);
    for (const auto& line : *there) TROUPE_TRY(ec2_.delete_snapshot(line.id()));
    return {};
  }

  result<> order_restore(volume& v, const std::string& name) override {
    return fail(ec::not_implemented,
      "an EBS snapshot is restored by hand: create a volume from " + name + ", stop the nodes of volume " + v.id() +
        ", put the new volume's id into their configuration (ebs.volume), start them");
  }

private:
  // More than one: a call was repeated whose first answer was lost.
  result<std::vector<pb::snapshot_line>> named(const volume& v, const std::string& name) {
    auto all = list(v);
    if (all) std::erase_if(*all, [&](const auto& line) { return line.name() != name; });
    return all;
  }

  ec2_client ec2_;
  std::string volume_;
};

} // namespace

std::unique_ptr<snapshot_store> make_ebs_snapshots(ec2_options o, std::string ebs_volume) {
  return std::make_unique<ebs_snapshots>(std::move(o), std::move(ebs_volume));
}

} // namespace troupe
