// orphan_hunt: which pieces nothing names, and what may be done about them. Pure: told what the rows name and what the nodes
// hold, in passes; says who is suspected, condemned, removed. docs/decisions/0008-orphans-are-condemned-first.md has the
// argument why nothing is removed that a commit has named or will name; what it asks of this file and of its user:
//
//   - A pass walks the rows first and lists the nodes afterwards. The walk reads tables in the order of `tables_in_order`: a
//     data id moves between rows only forward in it (object or part to manifest to garbage), so it is met on its way.
//     Whoever adds a table that names content, or a way back, must make this true again.
//   - A walk that did not read every row is thrown away: judge() is called after a whole one only.
//   - What no row named is a suspect. After the grace it is condemned: a row of table condemned is committed, and every
//     commit that names new content has the precondition that there is no such row.
//   - Only what is unnamed in a whole walk that began after that commit was answered is removed.
//   - Content that is named, but not on the node that holds it, is a stray: it is given to table vacated, under the
//     precondition that its row is still as it was read.
//
// Times are of any one clock that does not run backwards. Nothing is remembered over a restart but the condemned rows, which
// stay until no commit can be that late any more (core/upload_era.hpp).
#pragma once

#include "base/ids.hpp"
#include "core/name_filter.hpp"
#include "core/tables.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace troupe {

class orphan_hunt {
public:
  using time = std::chrono::milliseconds;

  static constexpr std::array tables_in_order{
    tables::objects, tables::parts, tables::manifests, tables::garbage, tables::repairs, tables::vacated};

  struct options {
    time grace{std::chrono::hours{24}};
    std::size_t suspects_max = 100'000; // what is beyond waits for another pass
  };
  explicit orphan_hunt(options o) : options_(o) {}

  // ---- a pass: a walk ...
  void begin_walk(std::uint64_t seed);
  struct row_ref {
    std::string key;
    std::uint64_t digest = 0; // of its value
  };
  // The row says that these nodes hold the content.
  void names(const data_id&, const std::vector<node_id>& nodes, const row_ref&);
  // Others look after it: everywhere (table garbage, repairs), or on one node (vacated).
  void spares(const data_id&);
  void spares(const data_id&, const node_id&);

  // ... and lists. Every node that is reached.
  void begin_listing();
  void gone(const node_id&); // for good: what it holds is nobody's business any more
  void holds(const node_id&, const data_id&, time now);
  void listed(const node_id&); // that was all of it

  struct stray {
    data_id id;
    std::vector<node_id> nodes;
    row_ref row;
  };
  struct verdict {
    std::vector<data_id> condemn; // unless somebody is still writing it: in_use()
    std::vector<data_id> pardon;  // condemned, but it had been named before
    std::vector<std::pair<data_id, std::vector<node_id>>> remove;
    std::vector<stray> strays;
  };
  verdict judge(time now);

  // ---- what became of it
  void in_use(const data_id&, time now); // begins anew
  void condemned(const data_id&);        // the row is committed
  void removed(const data_id&);          // every node of the verdict confirmed

  std::size_t suspects() const { return suspects_.size(); }
  std::size_t condemned() const;

private:
  struct suspect {
    std::map<node_id, time> held; // where, and unnamed since when
    bool fresh = true;            // found in this pass, after its walk
    bool condemned = false;
    // Of this pass.
    std::set<node_id> named_on, spared_on, seen_on;
    bool named = false, spared = false;
    row_ref row;
  };
  bool judge_one(const data_id&, suspect&, time now, verdict&) const; // false: a suspect no more
  void judge_named(const data_id&, suspect&, time now, verdict&) const;
  void judge_unnamed(const data_id&, suspect&, time now, verdict&) const;

  options options_;
  name_filter named_;
  std::uint64_t names_ = 0; // in this walk
  std::map<data_id, suspect> suspects_;
  std::set<node_id> listed_;
};

} // namespace troupe
