// lmdb_copy: the files of a state on its way to another machine: a copy to read from, and one that arrives. A copy has no
// name, so nothing of it stays after a crash. Private to the store.
#pragma once

#include "store/state.hpp"

#include <lmdb.h>

#include <memory>
#include <string>

namespace troupe {

// Compacted: without the pages that are free. `position` is what the environment holds: nothing is written meanwhile.
result<std::shared_ptr<state_copy>> copy_lmdb(MDB_env*, const std::string& directory, std::string position);

// What arrives is written into a new file `path`, which goes with the object unless it got another name.
class named_arrival : public state_arrival {
public:
  virtual const std::string& path() const = 0;
};
result<std::shared_ptr<state_arrival>> receive_lmdb(const std::string& path);

} // namespace troupe
