#include "core/identity/policy.hpp"

#include <boost/json/parse.hpp>

#include <algorithm>

namespace troupe::identity {

namespace json = boost::json;

namespace {

constexpr std::size_t pattern_bytes_max = 1024;

// Whether a bucket pattern is about a bucket. On every request, for every policy: without a copy.
bool covers(std::string_view name, std::string_view bucket) {
  return name.ends_with('*') ? bucket.starts_with(name.substr(0, name.size() - 1)) : bucket == name;
}

std::uint8_t bit(action a) { return static_cast<std::uint8_t>(1u << static_cast<unsigned>(a)); }

} // namespace

pattern::pattern(std::string text) : text_(std::move(text)), prefix_(text_.ends_with('*')) {
  if (prefix_) text_.pop_back();
}

bool pattern::matches(std::string_view key) const { return prefix_ ? key.starts_with(text_) : key == text_; }

bool pattern::overlaps(std::string_view prefix) const {
  return std::string_view{text_}.starts_with(prefix) || (prefix_ && prefix.starts_with(text_));
}

class policy_reader {
public:
  static result<policy> read(std::string_view document) {
    if (document.size() > policy::document_bytes_max) return bad("it has more than 16 KiB");
    json::parse_options shallow;
    shallow.max_depth = 8;
    json::error_code e;
    const auto value = json::parse(document, e, {}, shallow);
    if (e) return bad("it is not JSON: " + e.message());
    const auto* all = value.is_object() ? value.get_object().if_contains("statements") : nullptr;
    if (all == nullptr || !all->is_array() || value.get_object().size() != 1)
      return bad(R"(expected {"statements": [...]} and nothing else)");
    if (all->get_array().size() > policy::statements_max) return bad("it has more than 64 statements");
    policy p;
    for (const auto& s : all->get_array()) {
      auto read = statement_of(s);
      if (!read) return bad("statement " + std::to_string(p.statements_.size() + 1) + ": " + read.error().message);
      p.statements_.push_back(std::move(*read));
    }
    return p;
  }

private:
  using statement = policy::statement;

  static error bad(std::string why) { return fail(ec::bad_argument, "the policy: " + std::move(why)); }
  static error wrong(std::string why) { return fail(ec::bad_argument, std::move(why)); }

  static result<statement> statement_of(const json::value& v) {
    if (!v.is_object()) return wrong("expected an object");
    const auto& o = v.get_object();
    for (const auto& field : o) {
      const std::string_view name = field.key();
      if (name != "effect" && name != "principals" && name != "actions" && name != "keys")
        return wrong("unknown field '" + std::string{name} + "'; expected effect, principals, actions and keys");
    }
    statement s;
    const auto* effect = o.if_contains("effect");
    if (effect == nullptr || !effect->is_string() ||
      (effect->get_string() != "allow" && effect->get_string() != "deny"))
      return wrong("effect: expected allow or deny");
    s.deny = effect->get_string() == "deny";
    TROUPE_TRY(each(o, "principals", [&](std::string_view word) { return add_principal(s, word); }));
    TROUPE_TRY(each(o, "actions", [&](std::string_view word) { return add_action(s, word); }));
    if (!o.contains("keys"))
      s.keys.emplace_back("*");
    else
      TROUPE_TRY(each(o, "keys", [&](std::string_view word) { return add_key(s, word); }));
    return s;
  }

  static result<> each(const json::object& o, const char* name, const std::function<result<>(std::string_view)>& take) {
    const auto* v = o.if_contains(name);
    if (v == nullptr || !v->is_array() || v->get_array().empty() || v->get_array().size() > policy::words_max)
      return wrong(std::string{name} + ": expected a list of 1 to 64 texts");
    for (const auto& word : v->get_array()) {
      if (!word.is_string()) return wrong(std::string{name} + ": expected a list of 1 to 64 texts");
      TROUPE_TRY(take(word.get_string()));
    }
    return {};
  }

  static result<> add_principal(statement& s, std::string_view word) {
    const auto name_of = [&](std::string_view kind) {
      return word.starts_with(kind) ? word.substr(kind.size()) : std::string_view{};
    };
    if (word == "*") {
      s.everybody = true;
    } else if (const auto r = name_of("role:"); !r.empty() && role_named(r)) {
      s.roles.add(*role_named(r));
    } else if (is_user_name(name_of("user:")) || !name_of("jwt:").empty()) {
      s.names.emplace_back(word);
    } else {
      return wrong("principals: '" + std::string{word.substr(0, 80)} +
        "' is none of user:NAME, jwt:SUBJECT, role:reader, role:writer, role:admin and *");
    }
    return {};
  }

  static result<> add_action(statement& s, std::string_view word) {
    if (word == "*") {
      for (auto a : all_actions) s.actions |= bit(a);
      return {};
    }
    const auto a = action_named(word);
    if (!a)
      return wrong(
        "actions: '" + std::string{word.substr(0, 80)} + "' is none of read, list, write, delete, admin and *");
    s.actions |= bit(*a);
    return {};
  }

  static result<> add_key(statement& s, std::string_view word) {
    if (word.empty() || word.size() > pattern_bytes_max || word.substr(0, word.size() - 1).find('*') != word.npos)
      return wrong("keys: expected a key, or a prefix and one * at its end, of 1 to 1024 bytes");
    s.keys.emplace_back(std::string{word});
    return {};
  }
};

result<policy> policy::parse(std::string_view document) { return policy_reader::read(document); }

policy policy::closed() {
  statement s;
  s.everybody = true;
  for (auto a : all_actions) s.actions |= bit(a);
  s.keys.emplace_back("*");
  policy p;
  p.statements_.push_back(std::move(s));
  return p;
}

bool policy::statement::concerns(const principal& who, action a) const {
  if ((actions & bit(a)) == 0) return false;
  if (everybody || std::ranges::find(names, who.text()) != names.end()) return true;
  return std::ranges::any_of(all_roles, [&](role r) { return roles.has(r) && who.roles.has(r); });
}

bool policy::denies(const principal& who, action a, std::string_view key) const {
  const auto hits = [&](const pattern& p) { return a == action::list ? p.overlaps(key) : p.matches(key); };
  return std::ranges::any_of(
    statements_, [&](const statement& s) { return s.deny && s.concerns(who, a) && std::ranges::any_of(s.keys, hits); });
}

bool policy::allows(const principal& who, action a, std::string_view key) const {
  const auto hits = [&](const pattern& p) { return p.matches(key); };
  return std::ranges::any_of(statements_,
    [&](const statement& s) { return !s.deny && s.concerns(who, a) && std::ranges::any_of(s.keys, hits); });
}

bool policy::welcomes(const principal& who) const {
  return std::ranges::any_of(statements_, [&](const statement& s) {
    return !s.deny && std::ranges::any_of(all_actions, [&](action a) { return s.concerns(who, a); });
  });
}

bool is_bucket_pattern(std::string_view text) {
  if (text.ends_with('*'))
    text.remove_suffix(1);
  else if (text.empty())
    return false;
  return text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

bool decide(const principal& who, const policies& all, const request& what) {
  if (who.kind == principal::kinds::root) return true;
  bool allowed = who.roles.allow(what.action);
  if (what.bucket.empty()) return allowed;
  for (const auto& [name, p] : all) {
    if (!covers(name, what.bucket)) continue;
    if (p->denies(who, what.action, what.key)) return false;
    allowed = allowed || p->allows(who, what.action, what.key);
  }
  return allowed;
}

bool may_see(const principal& who, const policies& all, std::string_view bucket) {
  if (who.kind == principal::kinds::root) return true;
  bool seen = who.roles.allow(action::list);
  for (const auto& [name, p] : all) {
    if (!covers(name, bucket)) continue;
    if (p->denies(who, action::read, {})) return false;
    seen = seen || p->welcomes(who);
  }
  return seen;
}

} // namespace troupe::identity
