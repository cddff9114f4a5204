// state: an ordered map that is durable through a log. = a checkpoint as of log position P + an ordered overlay of
// everything after P. Reads look in the overlay, then in the checkpoint; cursors merge. A write costs no I/O here: the
// log's fsync already made it durable. checkpoint() writes the overlay and P in one synced transaction.
// Keys up to 2048 bytes, values up to 16 MiB, byte order. One writer thread owns a state; a checkpoint may run on
// another thread meanwhile (begin, run, end).
#pragma once

#include "base/bytes.hpp"
#include "base/error.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace troupe {

// Longer ones are the caller's bug; a base refuses them with ec::bad_argument.
constexpr std::size_t state_key_bytes_max = 2048;
constexpr std::size_t state_value_bytes_max = std::size_t{16} << 20;

// A copy of a base as of its position, to be carried to another machine. It lasts as long as the object. Any thread.
class state_copy {
public:
  virtual ~state_copy() = default;
  virtual const std::string& position() const = 0;
  virtual std::uint64_t bytes() const = 0;
  virtual std::uint32_t checksum() const = 0;                                      // CRC-32C of all of it
  virtual result<std::string> read(std::uint64_t offset, std::size_t n) const = 0; // offset + n <= bytes()
};

// The same at the other end: discarded when it goes, unless state_base::replace() took it.
class state_arrival {
public:
  virtual ~state_arrival() = default;
  virtual result<> append(bytes_view) = 0;
  // All of it came: ec::corrupt when it is not what was sent. Durable on return, not in place yet. Any thread.
  virtual result<> finish(std::uint64_t bytes, std::uint32_t checksum) = 0;
};

// The durable side of a state: LMDB (lmdb_base.cpp, which splits long keys and keeps their order) or memory for
// simulations (memory_base.cpp, where apply() is atomic and survives a simulated crash).
class state_base {
public:
  using changes = std::map<std::string, std::optional<std::string>, std::less<>>; // no value: erase
  struct change {
    std::string_view key;
    std::optional<std::string_view> value;
  };
  // What a write may say of itself on the way; all of it happens in its transaction.
  struct write_steps {
    std::function<void(std::string_view key, std::string_view value_before)>
      replaced;                            // or erased; each row that was there
    std::function<std::string()> position; // asked after the last row
  };
  class cursor {
  public:
    virtual ~cursor() = default;
    virtual result<> seek(std::string_view key) = 0; // to the first key >= it
    virtual result<> next() = 0;
    virtual bool valid() const = 0;
    virtual std::string_view key() const = 0;   // until the next call
    virtual std::string_view value() const = 0; // until the next call
  };
  virtual ~state_base() = default;
  virtual result<std::string> position() const = 0; // as given to apply(); empty when new
  virtual result<std::optional<std::string>> get(std::string_view key) const = 0;
  virtual result<std::unique_ptr<cursor>> scan() const = 0; // one consistent view; keep it short
  // Atomic and durable. Each key once, in order. `replaced` may be empty.
  virtual result<> write(std::span<const change>, const write_steps&) = 0;
  result<> apply(const changes&, std::string_view position);

  // Any thread, but not beside apply().
  virtual result<std::shared_ptr<state_copy>> copy() const;
  virtual result<std::shared_ptr<state_arrival>> receive();
  // The finished arrival takes the place of all rows; a crash leaves the old rows or the new ones. Nothing else may use
  // the base meanwhile, no cursor may be open. After an error the base may be closed for good.
  virtual result<> replace(state_arrival&);
};

struct lmdb_options {
  std::string path;                                     // a directory, made when missing
  std::uint64_t map_bytes_max = std::uint64_t{1} << 40; // address space, not memory
};
result<std::unique_ptr<state_base>> open_lmdb_base(const lmdb_options&);

// Shared by the incarnations of a simulated node: it outlives the crash.
std::shared_ptr<state_base> make_memory_base();

class state {
public:
  explicit state(std::shared_ptr<state_base> base);
  ~state();

  result<std::optional<std::string>> get(std::string_view key) const;
  void put(std::string key, std::string value);
  void erase(std::string key);

  // Ordered walk over checkpoint and overlay. Invalid after the next put/erase: use within one handler.
  class cursor {
  public:
    virtual ~cursor() = default;
    virtual result<> seek(std::string_view key) = 0;
    virtual result<> next() = 0;
    virtual bool valid() const = 0;
    virtual std::string_view key() const = 0;
    virtual std::string_view value() const = 0;
  };
  result<std::unique_ptr<cursor>> scan() const;

  // The position given to the last finished checkpoint: replay the log from there.
  const std::string& position() const;
  std::uint64_t overlay_bytes() const; // keys and values not checkpointed yet; the owner checkpoints at a bound

  // Freezes the overlay (writes go to a fresh one, reads see both) and returns the work to run on any thread.
  // One at a time. A failed checkpoint keeps the frozen rows in the overlay. The log must be durable up to `position`
  // before the work runs. The work holds the base: drop it before the base is opened again.
  std::function<result<>()> begin_checkpoint(std::string position);
  void end_checkpoint(const result<>& outcome);
  bool checkpointing() const;

  // Another machine's rows instead of these, overlay and all. Not during a checkpoint.
  result<> replace(state_arrival&);

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace troupe
