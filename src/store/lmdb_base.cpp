// lmdb_base: the environment, its transactions and what a checkpoint writes. Always synced: a commit that returned is on
// disk. A commit that failed changed nothing: its pages were free ones, and the next try writes them all again.
// LMDB maps the file: a sector that cannot be read is a SIGBUS, not an error. To open an environment twice would break it: its directory is locked.

#include "store/lmdb_copy.hpp"
#include "store/lmdb_rows.hpp"

#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <mutex>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace troupe {

namespace {

constexpr std::string_view format = "2", format_without_tails = "1";
constexpr unsigned readers_max = 1024;
constexpr std::uint64_t map_bytes_min = std::uint64_t{64} << 20;

struct environment_closer {
  void operator()(MDB_env* e) const { mdb_env_close(e); }
};
class directory_descriptor {
public:
  explicit directory_descriptor(const std::string& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}
  directory_descriptor(const directory_descriptor&) = delete;
  directory_descriptor& operator=(const directory_descriptor&) = delete;
  ~directory_descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

private:
  int fd_;
};
struct transaction_aborter {
  void operator()(MDB_txn* t) const { mdb_txn_abort(t); }
};
using environment = std::shared_ptr<MDB_env>;
using transaction = std::unique_ptr<MDB_txn, transaction_aborter>;

error system_error(const std::string& what, int number) {
  auto code = number == ENOSPC || number == EDQUOT ? ec::no_space : ec::io_error;
  return fail(code, what + ": " + std::generic_category().message(number));
}

error at(const std::string& path, error e) {
  e.message = path + ": " + e.message;
  return e;
}

result<transaction> begin(MDB_env* env, unsigned flags) {
  MDB_txn* raw = nullptr;
  if (auto code = mdb_txn_begin(env, nullptr, flags, &raw); code != 0) return lmdb_rows::failed("mdb_txn_begin", code);
  return transaction{raw};
}

result<> sync_directory(const std::string& path) {
  directory_descriptor directory{path};
  if (directory.get() < 0) return system_error("open directory " + path, errno);
  if (::fsync(directory.get()) != 0) return system_error("fsync directory " + path, errno);
  return {};
}

// Held as long as the environment, by whoever has it open.
result<std::shared_ptr<directory_descriptor>> lock_directory(const std::string& path) {
  auto directory = std::make_shared<directory_descriptor>(path);
  if (directory->get() < 0) return system_error("open directory", errno);
  if (::flock(directory->get(), LOCK_EX | LOCK_NB) == 0) return directory;
  if (errno == EWOULDBLOCK) return fail(ec::conflict, "is open already, here or in another process");
  return system_error("flock", errno);
}

// As much address space as there is, up to what was asked for: limits and sanitizers take some.
result<environment> open_environment(const lmdb_options& options) {
  auto lock = lock_directory(options.path);
  if (!lock) return std::move(lock).error();
  for (auto map_bytes = options.map_bytes_max;; map_bytes /= 2) {
    MDB_env* raw = nullptr;
    if (auto code = mdb_env_create(&raw); code != 0) return lmdb_rows::failed("mdb_env_create", code);
    std::unique_ptr<MDB_env, environment_closer> env{raw};
    auto code = mdb_env_set_mapsize(raw, map_bytes);
    if (code == 0) code = mdb_env_set_maxreaders(raw, readers_max);
    if (code == 0) code = mdb_env_open(raw, options.path.c_str(), MDB_NOTLS, 0644);
    if (code == 0) return environment{env.release(), [held = std::move(*lock)](MDB_env* e) { mdb_env_close(e); }};
    if (code != ENOMEM || map_bytes / 2 < map_bytes_min) return lmdb_rows::failed("mdb_env_open", code);
  }
}

// A scan's transaction and cursor, in the order in which they must go.
class scanning_cursor final : public state_base::cursor {
public:
  scanning_cursor(environment env, transaction txn, MDB_dbi dbi)
      : env_(std::move(env)), txn_(std::move(txn)), rows_(lmdb_rows::scan(txn_.get(), dbi)) {}
  result<> seek(std::string_view key) override { return rows_->seek(key); }
  result<> next() override { return rows_->next(); }
  bool valid() const override { return rows_->valid(); }
  std::string_view key() const override { return rows_->key(); }
  std::string_view value() const override { return rows_->value(); }

private:
  environment env_;
  transaction txn_;
  std::unique_ptr<cursor> rows_;
};

struct opened_base {
  environment env;
  MDB_dbi dbi = 0;
  std::string position;
};
result<opened_base> open_here(const lmdb_options& options);

constexpr std::string_view arrival_prefix = "incoming-"; // of the names of files that a crash may leave behind

class lmdb_base final : public state_base {
public:
  lmdb_base(opened_base opened, lmdb_options options)
      : env_(std::move(opened.env)),
        dbi_(opened.dbi),
        options_(std::move(options)),
        path_(options_.path),
        position_(std::move(opened.position)) {}

  result<std::string> position() const override {
    std::lock_guard guard{position_mutex_};
    return position_;
  }

  result<std::optional<std::string>> get(std::string_view key) const override {
    std::lock_guard guard{reader_mutex_};
    TROUPE_TRY(check_open());
    if (reader_ == nullptr) {
      auto txn = begin(env_.get(), MDB_RDONLY);
      if (!txn) return at(path_, std::move(txn).error());
      reader_ = std::move(*txn);
    } else if (auto code = mdb_txn_renew(reader_.get()); code != 0) {
      reader_.reset();
      return at(path_, lmdb_rows::failed("mdb_txn_renew", code));
    }
    auto value = lmdb_rows::find(reader_.get(), dbi_, key);
    mdb_txn_reset(reader_.get());
    if (!value) return at(path_, std::move(value).error());
    return value;
  }

  result<std::unique_ptr<cursor>> scan() const override {
    TROUPE_TRY(check_open());
    auto txn = begin(env_.get(), MDB_RDONLY);
    if (!txn) return at(path_, std::move(txn).error());
    return std::unique_ptr<cursor>{std::make_unique<scanning_cursor>(env_, std::move(*txn), dbi_)};
  }

  result<> write(std::span<const change> all, const write_steps& steps) override {
    TROUPE_TRY(check_open());
    auto position = commit(all, steps);
    if (!position) return at(path_, std::move(position).error());
    std::lock_guard guard{position_mutex_};
    position_ = std::move(*position);
    return {};
  }

  result<std::shared_ptr<state_copy>> copy() const override {
    TROUPE_TRY(check_open());
    auto where = position();
    auto made = copy_lmdb(env_.get(), path_, std::move(*where));
    if (!made) return at(path_, std::move(made).error());
    return made;
  }

  result<std::shared_ptr<state_arrival>> receive() override {
    return receive_lmdb(path_ + "/" + std::string{arrival_prefix} + std::to_string(++arrivals_) + ".mdb");
  }

  // The rename decides. LMDB must not be open then: it maps the file.
  result<> replace(state_arrival& arrival) override {
    auto* file = dynamic_cast<named_arrival*>(&arrival);
    if (file == nullptr) return fail(ec::bad_argument, path_ + ": an arrival of another kind of state");
    TROUPE_TRY(check_open());
    if (env_.use_count() != 1) return fail(ec::unavailable, path_ + ": a cursor is open");
    reader_.reset();
    env_.reset();
    if (::rename(file->path().c_str(), (path_ + "/data.mdb").c_str()) != 0)
      return system_error("rename " + file->path(), errno);
    auto opened = open_here(options_); // syncs the directory
    if (!opened) return at(path_, std::move(opened).error());
    env_ = std::move(opened->env);
    dbi_ = opened->dbi;
    std::lock_guard guard{position_mutex_};
    position_ = std::move(opened->position);
    return {};
  }

private:
  result<> check_open() const {
    if (env_ == nullptr) return fail(ec::closed, path_ + ": closed since its rows could not be replaced");
    return {};
  }

  // The new position.
  result<std::string> commit(std::span<const change> all, const write_steps& steps) {
    auto txn = begin(env_.get(), 0);
    if (!txn) return std::move(txn).error();
    for (auto& [key, value] : all) {
      if (key.size() > state_key_bytes_max || (value && value->size() > state_value_bytes_max))
        return fail(ec::bad_argument,
          "a row of " + std::to_string(key.size()) + " + " + std::to_string(value ? value->size() : 0) +
            " bytes is too long");
      TROUPE_TRY(
        value ? lmdb_rows::put(txn->get(), dbi_, key, *value, steps) : lmdb_rows::erase(txn->get(), dbi_, key, steps));
    }
    auto position = steps.position();
    TROUPE_TRY(lmdb_rows::put_note(txn->get(), dbi_, "format", format));
    TROUPE_TRY(lmdb_rows::put_note(txn->get(), dbi_, "position", position));
    if (auto code = mdb_txn_commit(txn->release()); code != 0) return lmdb_rows::failed("mdb_txn_commit", code);
    return position;
  }

  environment env_;
  MDB_dbi dbi_;
  lmdb_options options_;
  std::string path_;
  std::uint64_t arrivals_ = 0;
  mutable std::mutex position_mutex_;
  std::string position_;
  mutable std::mutex reader_mutex_;
  mutable transaction reader_; // reset between uses: cheaper than a new one
};

void remove_arrivals(const std::string& path) {
  auto* directory = ::opendir(path.c_str());
  if (directory == nullptr) return; // what is wrong shows when it is opened in earnest
  while (auto* entry = ::readdir(directory)) {
    std::string name{static_cast<const char*>(entry->d_name)};
    if (name.starts_with(arrival_prefix)) ::unlink((path + "/" + name).c_str());
  }
  ::closedir(directory);
}

result<opened_base> open_here(const lmdb_options& options) {
  auto& path = options.path;
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) return system_error("mkdir", errno);
  auto env = open_environment(options);
  if (!env) return std::move(env).error();
  // LMDB does not make its files' names durable.
  TROUPE_TRY(sync_directory(path));
  TROUPE_TRY(sync_directory(path + "/.."));
  int stale_readers = 0;
  if (auto code = mdb_reader_check(env->get(), &stale_readers); code != 0)
    return lmdb_rows::failed("mdb_reader_check", code);

  auto txn = begin(env->get(), MDB_RDONLY);
  if (!txn) return std::move(txn).error();
  MDB_dbi dbi = 0;
  if (auto code = mdb_dbi_open(txn->get(), nullptr, 0, &dbi); code != 0) return lmdb_rows::failed("mdb_dbi_open", code);
  auto version = lmdb_rows::find_note(txn->get(), dbi, "format");
  if (!version) return std::move(version).error();
  if (*version && **version != format && **version != format_without_tails)
    return fail(ec::incompatible, "state format " + std::string{**version});
  auto position = lmdb_rows::find_note(txn->get(), dbi, "position");
  if (!position) return std::move(position).error();
  auto where = std::string{*position ? **position : std::string_view{}};
  txn->reset();
  return opened_base{std::move(*env), dbi, std::move(where)};
}

} // namespace

result<std::unique_ptr<state_base>> open_lmdb_base(const lmdb_options& options) {
  remove_arrivals(options.path);
  auto opened = open_here(options);
  if (!opened) return at(options.path, std::move(opened).error());
  return std::unique_ptr<state_base>{std::make_unique<lmdb_base>(std::move(*opened), options)};
}

} // namespace troupe
