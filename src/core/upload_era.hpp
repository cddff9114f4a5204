// upload_era: makes an end to "a commit may be late by any time", so that rows of table condemned need not stay for ever.
//
// Time is divided into eras, which are numbered, and change only by a commit (the SWEEPER's, at most every week). Content
// belongs to the era that its coordinator knew when its upload began (extent.era): never to a later one than the current.
// Every batch that names new content has two preconditions, its claim: that its data id is not condemned, and that its era is
// not. When era N + 1 begins, era N - 1 is condemned for good. So a condemned data id needs no row once the era that
// was current when it was condemned has been condemned itself.
//
// An upload that lasts longer than an era may fail for it (its client is told to send it again); a shorter one never does.
// The decision is docs/decisions/0008-orphans-are-condemned-first.md.
#pragma once

#include "base/environment.hpp"
#include "base/error.hpp"
#include "troupe.pb.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace troupe {

// The era as this process knows it: of the past is fine, of the future would not be. Thread safe.
class known_upload_era {
public:
  std::uint64_t number() const { return number_.load(std::memory_order_relaxed); }
  void learn(std::uint64_t as_read) { number_.store(as_read, std::memory_order_relaxed); }

private:
  std::atomic<std::uint64_t> number_{0};
};

namespace upload_era {

inline constexpr std::chrono::hours length_by_default{7 * 24};

std::string row_key();
// Of the row's value; nothing: there is none yet. ec::corrupt.
result<pb::upload_era_record> parse(const std::optional<std::string>& row);
// The preconditions of a batch that names this content anew.
void add_claim(pb::batch&, const pb::extent&);
bool is_claim(const pb::precondition&);

// What a row of table condemned says whose data id is found guilty while `number` was read. One more: after
// `troupe recover metadata` others may know of an era that the group has forgotten.
constexpr std::uint64_t latest_of_condemned(std::uint64_t number) { return number + 1; }
// Whether no commit can name content of this era any more, when `number` was read.
constexpr bool is_over(std::uint64_t era, std::uint64_t number) { return number >= 2 && era <= number - 2; }
// The batch that ends the era, if it has lasted long enough; or begins the count, where there is no row. Its preconditions say
// that the row is as it was read. Nothing: not yet.
std::optional<pb::batch> turn(const std::optional<std::string>& row, const pb::upload_era_record& current,
  std::chrono::milliseconds length, unix_ms now_ms);

} // namespace upload_era
} // namespace troupe
