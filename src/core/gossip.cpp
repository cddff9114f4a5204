#include "core/gossip.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace troupe {
namespace {

constexpr std::size_t relays_max = 256;
constexpr std::size_t name_bytes_max = 255;

std::optional<member_status> status_of(pb::gossip_news::statuses s) {
  switch (s) {
  case pb::gossip_news::alive: return member_status::alive;
  case pb::gossip_news::suspect: return member_status::suspect;
  case pb::gossip_news::dead: return member_status::dead;
  default: return {};
  }
}

void write_news(const gossip_member& m, pb::gossip_news& out) {
  out.set_node(m.id.name);
  out.set_address(m.address);
  out.set_incarnation(m.incarnation);
  out.set_status(m.status == member_status::alive ? pb::gossip_news::alive
      : m.status == member_status::suspect        ? pb::gossip_news::suspect
                                                  : pb::gossip_news::dead);
}

// SWIM section 4.2: what is said of an incarnation outweighs what was said of an earlier one; of the same incarnation
// the worse news.
bool outweighs(std::uint64_t incarnation, member_status status, const gossip_member& known) {
  if (incarnation != known.incarnation) return incarnation > known.incarnation;
  return status > known.status;
}

} // namespace

gossip::gossip(node_id self, std::string address, std::uint64_t first_incarnation, std::vector<std::string> seeds,
  gossip_options options, entropy& random, time now)
    : self_(std::move(self)), seeds_(std::move(seeds)), options_(options), random_(random) {
  members_[self_] = {self_, address, first_incarnation, member_status::alive, now};
  std::erase(seeds_, address);
  // Spread out, so that a cluster that starts at once does not probe in step.
  last_tick_ = now;
  next_probe_ = now + time{below(static_cast<std::uint64_t>(options_.interval.count()))};
  next_sync_ = now;
  sync_pause_ = options_.interval;
}

std::uint64_t gossip::below(std::uint64_t n) {
  std::uint64_t x = 0;
  random_.fill(std::as_writable_bytes(std::span{&x, 1}));
  return n == 0 ? 0 : x % n;
}

std::size_t gossip::alive() const {
  return static_cast<std::size_t>(
    std::count_if(members_.begin(), members_.end(), [](auto& m) { return m.second.status == member_status::alive; }));
}

// Enough for everybody to hear it with high probability (SWIM section 5).
std::size_t gossip::times_to_tell() const { return 3 * static_cast<std::size_t>(std::bit_width(members_.size())); }

// News and their refutation take the logarithm of the cluster's size.
gossip::time gossip::suspicion() const {
  auto scale = std::max(1.0, std::log10(static_cast<double>(members_.size())));
  return time{static_cast<time::rep>(static_cast<double>(options_.suspect_timeout.count()) * scale)};
}

gossip::time gossip::next() const {
  auto when = std::min(next_probe_, next_sync_);
  if (probe_) when = std::min(when, probe_->asked_others ? probe_->ends : probe_->ask_others);
  for (auto& [id, m] : members_)
    if (m.status == member_status::suspect) when = std::min(when, m.since + suspicion());
  return when;
}

pb::gossip_message gossip::message(pb::gossip_message::kinds kind, std::uint64_t sequence) const {
  pb::gossip_message m;
  m.set_kind(kind);
  m.set_sequence(sequence);
  write_news(self(), *m.add_news()); // so that every message introduces its sender
  return m;
}

pb::gossip_message gossip::whole_list(pb::gossip_message::kinds kind) const {
  auto m = message(kind);
  for (auto& [id, other] : members_)
    if (id != self_) write_news(other, *m.add_news());
  return m;
}

void gossip::spread(const node_id& about) { news_[about] = 0; }

// The least told news first.
void gossip::add_news(pb::gossip_message& m) {
  std::vector<std::pair<std::size_t, node_id>> order;
  for (auto& [id, told] : news_)
    if (id != self_) order.emplace_back(told, id);
  auto n = std::min(options_.news_per_message, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n), order.end());
  order.resize(n);
  for (auto& [told, id] : order) {
    if (auto known = members_.find(id); known != members_.end()) write_news(known->second, *m.add_news());
    if (++news_[id] >= times_to_tell()) news_.erase(id);
  }
}

void gossip::send(effects& out, const std::string& address, pb::gossip_message m) {
  if (m.kind() != pb::gossip_message::sync && m.kind() != pb::gossip_message::sync_answer) add_news(m);
  out.send.push_back({address, std::move(m)});
}

void gossip::set_status(gossip_member& m, member_status status, time now, effects& out) {
  if (m.status != status) m.since = now;
  m.status = status;
  out.changed.push_back(m);
  spread(m.id);
}

// Somebody says of this member what is not so, or remembers a later incarnation than this one.
void gossip::refute(std::uint64_t incarnation, effects& out) {
  auto& me = members_.at(self_);
  me.incarnation = std::max(me.incarnation, incarnation) + 1;
  out.changed.push_back(me);
}

void gossip::learn(const pb::gossip_news& news, time now, effects& out) {
  auto status = status_of(news.status());
  auto fits = [](const std::string& s) { return !s.empty() && s.size() <= name_bytes_max; };
  if (!status || !fits(news.node()) || !fits(news.address())) return;
  node_id id{news.node()};
  if (id == self_) {
    auto& me = self();
    // The greatest number can not be refuted: nobody but a liar sends it.
    if (news.incarnation() == ~std::uint64_t{0} || me.status == member_status::dead) return; // or it is so: we leave
    if (news.address() != me.address && *status == member_status::alive) out.same_name = news.address();
    if (news.incarnation() > me.incarnation ||
      (news.incarnation() == me.incarnation && *status != member_status::alive))
      refute(news.incarnation(), out);
    return;
  }
  auto known = members_.find(id);
  if (known == members_.end()) {
    if (*status == member_status::dead) return; // nobody to remember
    if (members_.size() >= options_.members_max && !forget_oldest_dead()) return;
    auto& m = members_[id];
    m = {id, news.address(), news.incarnation(), *status, now};
    // Somewhere in the rest of the round: a newcomer is probed within one round.
    round_.insert(round_.begin() + static_cast<std::ptrdiff_t>(below(round_.size() + 1)), id);
    out.changed.push_back(m);
    return spread(id);
  }
  auto& m = known->second;
  if (!outweighs(news.incarnation(), *status, m)) return;
  if (news.incarnation() > m.incarnation) m.since = now; // a suspicion that is new has its whole time
  m.incarnation = news.incarnation();
  m.address = news.address();
  set_status(m, *status, now, out);
}

bool gossip::forget_oldest_dead() {
  auto oldest = members_.end();
  for (auto i = members_.begin(); i != members_.end(); ++i)
    if (i->second.status == member_status::dead && (oldest == members_.end() || i->second.since < oldest->second.since))
      oldest = i;
  if (oldest == members_.end() || oldest->first == self_) return false;
  news_.erase(oldest->first);
  members_.erase(oldest);
  return true;
}

gossip::effects gossip::receive(const pb::gossip_message& m, time now) {
  effects out;
  if (m.news().empty() || m.news(0).node() == self_.name) {
    // Every message introduces its sender; with this one's own name it is an echo, or another node that has the same.
    if (!m.news().empty() && m.news(0).address() != self().address) out.same_name = m.news(0).address();
    return out;
  }
  const auto& from = m.news(0).address();
  auto before = self().incarnation;
  for (auto& news : m.news()) learn(news, now, out);
  switch (m.kind()) {
  case pb::gossip_message::ping: {
    auto ack = message(pb::gossip_message::ack, m.sequence());
    // It should know what is remembered of it: suspected, or restarted with too small a number.
    auto asker = members_.find(node_id{m.news(0).node()});
    if (asker != members_.end() &&
      outweighs(asker->second.incarnation, asker->second.status,
        {.id = {}, .address = {}, .incarnation = m.news(0).incarnation(), .status = member_status::alive}))
      write_news(asker->second, *ack.add_news());
    send(out, from, std::move(ack));
    break;
  }
  case pb::gossip_message::ping_for: {
    auto target = members_.find(node_id{m.target()});
    if (target == members_.end() || relays_.size() >= relays_max) break;
    relays_[++sequence_] = {from, m.sequence(), now + options_.interval};
    send(out, target->second.address, message(pb::gossip_message::ping, sequence_));
    break;
  }
  case pb::gossip_message::ack: {
    if (probe_ && probe_->sequence == m.sequence() &&
      (m.target().empty() ? m.news(0).node() : m.target()) == probe_->target.name) {
      probe_.reset();
      out.probe_answered = true;
    }
    if (auto r = relays_.find(m.sequence()); r != relays_.end()) {
      auto answer = message(pb::gossip_message::ack, r->second.sequence);
      answer.set_target(m.news(0).node());
      send(out, r->second.address, std::move(answer));
      relays_.erase(r);
    }
    break;
  }
  case pb::gossip_message::sync: send(out, from, whole_list(pb::gossip_message::sync_answer)); break;
  default: break; // a list that was asked for; or a kind of a later version
  }
  // Whoever told it, and some others, hear at once that it is not so.
  if (self().incarnation != before)
    for (auto& id : some_alive(options_.indirect_probes, self_))
      send(out, members_.at(id).address, message(pb::gossip_message::news_only));
  return out;
}

std::vector<node_id> gossip::some_alive(std::size_t n, const node_id& except) {
  std::vector<node_id> all;
  for (auto& [id, m] : members_)
    if (id != self_ && id != except && m.status != member_status::dead) all.push_back(id);
  for (std::size_t i = 0; i < std::min(n, all.size()); ++i) std::swap(all[i], all[i + below(all.size() - i)]);
  all.resize(std::min(n, all.size()));
  return all;
}

// Round-robin in an order that is shuffled for each round: who fails is probed within 2n - 1 intervals (section 4.3).
std::optional<node_id> gossip::next_target() {
  for (int rounds = 0; rounds < 2; ++rounds) {
    while (!round_.empty()) {
      auto id = std::move(round_.back());
      round_.pop_back();
      auto found = members_.find(id);
      if (found != members_.end() && found->second.status != member_status::dead) return id;
    }
    for (auto& [id, m] : members_)
      if (id != self_ && m.status != member_status::dead) round_.push_back(id);
    for (std::size_t i = round_.size(); i > 1; --i) std::swap(round_[i - 1], round_[below(i)]);
  }
  return {};
}

void gossip::start_probe(time now, effects& out) {
  auto target = next_target();
  if (!target) return;
  probe_ = probe{*target, ++sequence_, now + options_.ack_timeout, now + options_.interval, false};
  out.probe_began = true;
  auto& m = members_.at(*target);
  auto ping = message(pb::gossip_message::ping, sequence_);
  if (m.status == member_status::suspect) write_news(m, *ping.add_news()); // it is the first who should refute it
  send(out, m.address, std::move(ping));
}

void gossip::pursue_probe(time now, effects& out) {
  if (!probe_) return;
  if (!probe_->asked_others && now >= probe_->ask_others) {
    probe_->asked_others = true;
    probe_->ends = std::max(probe_->ends, now + options_.interval - options_.ack_timeout); // they have their time
    for (auto& id : some_alive(options_.indirect_probes, probe_->target)) {
      auto ask = message(pb::gossip_message::ping_for, probe_->sequence);
      ask.set_target(probe_->target.name);
      send(out, members_.at(id).address, std::move(ask));
    }
  }
  if (now < probe_->ends) return;
  auto target = members_.find(probe_->target);
  if (target != members_.end() && target->second.status == member_status::alive)
    set_status(target->second, member_status::suspect, now, out);
  probe_.reset();
  out.probe_unanswered = true;
}

// With a member, dead or not, or a seed: the two halves of a healed partition think each other dead and would not probe.
void gossip::exchange_lists(effects& out) {
  std::vector<std::string> addresses = seeds_;
  for (auto& [id, m] : members_)
    if (id != self_) addresses.push_back(m.address);
  if (addresses.empty()) return;
  out.send.push_back({addresses[below(addresses.size())], whole_list(pb::gossip_message::sync)});
}

gossip::effects gossip::tick(time now) {
  effects out;
  // After a pause of this process, refutations may be waiting to be read: suspects get the time that was lost.
  if (auto late = now - last_tick_ - options_.interval; late > time{0})
    for (auto& [id, m] : members_)
      if (m.status == member_status::suspect) m.since += late;
  last_tick_ = now;
  pursue_probe(now, out);
  for (auto i = members_.begin(); i != members_.end();) {
    auto& m = i->second;
    if (m.status == member_status::suspect && now - m.since >= suspicion())
      set_status(m, member_status::dead, now, out);
    auto forget = m.status == member_status::dead && now - m.since >= options_.forget_after;
    if (forget) news_.erase(i->first);
    i = forget ? members_.erase(i) : std::next(i);
  }
  std::erase_if(relays_, [&](auto& r) { return now >= r.second.ends; });
  if (now >= next_probe_) {
    next_probe_ = std::max(next_probe_ + options_.interval, now); // no catching up after a pause
    if (!probe_) start_probe(now, out);
  }
  if (now >= next_sync_) {
    // Often while this member is new; until somebody is known, the seeds are asked each interval.
    next_sync_ = now + sync_pause_;
    if (members_.size() > 1) sync_pause_ = std::min(2 * sync_pause_, options_.sync_interval);
    exchange_lists(out);
  }
  return out;
}

gossip::effects gossip::leave() {
  effects out;
  auto& me = members_.at(self_);
  me.status = member_status::dead;
  for (auto& id : some_alive(2 * options_.indirect_probes, self_))
    send(out, members_.at(id).address, message(pb::gossip_message::news_only));
  return out;
}

} // namespace troupe
