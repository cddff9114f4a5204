// The walk of a YAML document by the table of known keys.
#include "roles/cluster_config_keys.hpp"

#include <algorithm>
#include <set>

namespace troupe::config {
namespace {

constexpr std::size_t nodes_max = 1000; // as many as gossip takes in

error mistake(const std::string& place, const std::string& key, std::string_view was, std::string_view expected) {
  return fail(
    ec::bad_argument, place + ": storage." + key + " is " + std::string{was} + "; expected " + std::string{expected});
}

int line_of(const YAML::Node& y) { return y.Mark().line + 1; } // yaml-cpp counts from 0

std::string place(const draft& d, const YAML::Node& y) { return d.name + ":" + std::to_string(line_of(y)); }

// How many letters to change, add, drop or swap with the next to make b of a.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i)
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[a.size()][b.size()];
}

// What may be done about a key that is not known: the sibling with nearly that name, the same name elsewhere, the siblings.
template <class Target>
std::string hint(const std::string& name, const std::string& prefix, std::span<const setting<Target>> known) {
  std::set<std::string> siblings;
  std::string elsewhere;
  for (const auto& s : known) {
    if (s.key.starts_with(prefix)) {
      auto rest = s.key.substr(prefix.size());
      siblings.emplace(rest.substr(0, rest.find('.')));
    }
    if (s.key == name || s.key.ends_with("." + name)) elsewhere = s.key;
  }
  const std::string* best = nullptr;
  auto shortest = std::max<std::size_t>(1, name.size() / 3) + 1;
  for (const auto& s : siblings)
    if (auto n = name.size() > 64 ? shortest : distance(name, s); n < shortest) {
      best = &s;
      shortest = n;
    }
  if (best != nullptr) return "did you mean " + *best + "?";
  if (!elsewhere.empty()) return "did you mean " + elsewhere + "?";
  std::string all;
  for (const auto& s : siblings) all += (all.empty() ? "" : ", ") + s;
  return "known here: " + all;
}

// One mapping and those below it. `shown` comes before the key in messages and places: "", "nodes[0].".
template <class Target>
class walk {
public:
  walk(std::span<const setting<Target>> known, std::string shown, draft& d, Target& target)
      : known_(known), shown_(std::move(shown)), draft_(d), target_(target) {}

  result<> read(const YAML::Node& mapping, const std::string& prefix = "") {
    if (mapping.IsNull() && !prefix.empty()) return {}; // everything in the section is commented out
    if (!mapping.IsMap()) {
      auto key = shown_ + prefix;
      if (key.ends_with('.')) key.pop_back();
      return mistake(place(draft_, mapping), key, found(mapping), "a mapping of keys to values");
    }
    std::map<std::string, int> seen;
    for (const auto& entry : mapping) {
      auto where = place(draft_, entry.first);
      if (!entry.first.IsScalar())
        return fail(ec::bad_argument, where + ": a key is " + found(entry.first) + "; expected a word");
      const auto& name = entry.first.Scalar();
      if (auto [first, is_new] = seen.emplace(name, line_of(entry.first)); !is_new)
        return fail(ec::bad_argument,
          where + ": storage." + shown_ + prefix + name + " is given twice, first on line " +
            std::to_string(first->second));
      TROUPE_TRY(read_entry(name, prefix, where, entry.second));
    }
    return {};
  }

private:
  result<> read_entry(
    const std::string& name, const std::string& prefix, const std::string& where, const YAML::Node& value);

  std::span<const setting<Target>> known_;
  std::string shown_;
  draft& draft_;
  Target& target_;
};

result<> read_nodes(const YAML::Node& list, const std::string& where, draft& d) {
  if (!list.IsSequence() || list.size() == 0 || list.size() > nodes_max)
    return mistake(where, "nodes",
      list.IsSequence() && list.size() != 0 ? std::to_string(list.size()) + " nodes" : found(list),
      "a list of 1 to " + std::to_string(nodes_max) + " nodes, each with id, address and data_dir");
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto shown = "nodes[" + std::to_string(i) + "].";
    d.places[shown] = place(d, list[i]);
    walk<node_config> w{node_settings(), shown, d, d.nodes.emplace_back()};
    TROUPE_TRY(w.read(list[i]));
    for (const char* required : {"id", "address", "data_dir"})
      if (!d.given(shown + required))
        return fail(ec::bad_argument,
          d.places[shown] + ": storage.nodes[" + std::to_string(i) + "] has no " + required +
            "; expected id, address and data_dir");
  }
  return {};
}

template <class Target>
result<> walk<Target>::read_entry(
  const std::string& name, const std::string& prefix, const std::string& where, const YAML::Node& value) {
  auto key = prefix + name;
  auto of_key = std::ranges::find(known_, std::string_view{key}, &setting<Target>::key);
  if (of_key == known_.end() || name.find('.') != std::string::npos) { // "cluster.replica_count" is how we show it
    if (std::ranges::any_of(known_, [&](const auto& s) { return s.key.starts_with(key + "."); }))
      return read(value, key + ".");
    return fail(ec::bad_argument, where + ": storage." + shown_ + key + " is not known; " + hint(name, prefix, known_));
  }
  draft_.places[shown_ + key] = where;
  if (!of_key->read) return read_nodes(value, where, draft_);
  auto bad = of_key->read(value, target_);
  if (!bad) return {};
  auto line = bad->IsNull() ? where : place(draft_, *bad);
  return mistake(line, shown_ + key, of_key->secret ? "not usable" : found(*bad), of_key->expected);
}

} // namespace

error draft::at(const std::string& key, const std::string& message) const {
  auto known = places.find(key);
  return fail(ec::bad_argument, (known == places.end() ? name : known->second) + ": " + message);
}

result<> read_document(const YAML::Node& root, draft& d) {
  if (!root.IsMap())
    return fail(ec::bad_argument,
      d.name + ":" + std::to_string(std::max(1, line_of(root))) + ": the file is " + found(root) +
        "; expected one mapping under the key storage");
  for (const auto& entry : root)
    if (!entry.first.IsScalar() || entry.first.Scalar() != "storage")
      return fail(ec::bad_argument,
        place(d, entry.first) + ": " + found(entry.first) +
          " is not known at the top; expected everything under the one key storage");
  if (root.size() != 1) return fail(ec::bad_argument, place(d, root) + ": storage is given twice; expected it once");
  auto storage = root["storage"];
  auto where = place(d, root.begin()->first);
  if (!storage.IsMap())
    return fail(ec::bad_argument, where + ": storage is " + found(storage) + "; expected a mapping of keys to values");
  walk<draft> w{settings(), "", d, d};
  TROUPE_TRY(w.read(storage));
  if (!d.given("nodes"))
    return fail(
      ec::bad_argument, where + ": storage has no nodes; expected a list of nodes, each with id, address and data_dir");
  return {};
}

// What stands in a file as a list.
static YAML::Node split_at_commas(const std::string& text) {
  YAML::Node list;
  for (std::size_t at = 0, end = 0; end != std::string::npos; at = end + 1) {
    end = text.find(',', at);
    list.push_back(text.substr(at, end - at));
  }
  return list;
}

result<> read_roles_override(const config_override& o, node_config& node) {
  const auto all = node_settings();
  const auto roles = std::ranges::find(all, std::string_view{"roles"}, &setting<node_config>::key);
  if (auto bad = roles->read(split_at_commas(o.value), node))
    return fail(ec::bad_argument, o.origin + " is " + found(*bad) + "; expected " + std::string{roles->expected});
  return {};
}

result<> read_override(const std::string& key, const config_override& o, draft& d) {
  if (o.value.empty()) return {};
  auto all = settings();
  auto s = std::ranges::find(all, std::string_view{key}, &setting<draft>::key);
  if (s == all.end() || !s->read) return fail(ec::internal, "no such key: " + key);
  const auto value = s->key == "seeds" ? split_at_commas(o.value) : YAML::Node{o.value};
  d.places[key] = o.origin;
  if (auto bad = s->read(value, d))
    return fail(ec::bad_argument,
      o.origin + " is " + (s->secret ? "not usable" : found(*bad)) + "; expected " + std::string{s->expected});
  return {};
}

} // namespace troupe::config

namespace troupe {

result<> set_files_key(files_config& files, const std::string& key, const config_override& value) {
  config::draft d;
  d.files = files;
  TROUPE_TRY(config::read_override(key, value, d));
  files = d.files;
  return {};
}

} // namespace troupe
