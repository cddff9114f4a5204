// sync_log: which syncs a simulated disk was asked for, and a disk that leaves one of them out: whether each is needed is a test.
#pragma once

#include "store/sim_disk.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace troupe::test {

// In order. One may be left out: it says done and does nothing.
struct sync_log {
  struct entry {
    std::string path;            // of a directory with a slash at its end
    std::uint64_t operation = 0; // how many operations that change something came before it
  };
  std::vector<entry> all;
  std::uint64_t left_out = ~std::uint64_t{0};
  bool leave_out(const sim_disk& below, const std::string& path) {
    all.push_back({path, below.operations()});
    return all.size() - 1 == left_out;
  }
};

// A directory of another disk as a disk of its own.
class disk_part final : public disk {
public:
  disk_part(std::shared_ptr<sim_disk> below, std::string directory, std::shared_ptr<sync_log> syncs)
      : below_(std::move(below)), at_(std::move(directory)), syncs_(std::move(syncs)) {}

  result<std::shared_ptr<disk_file>> open(const std::string& path, open_mode mode) override {
    auto opened = below_->open(in(path), mode);
    if (!opened) return opened.error();
    return std::shared_ptr<disk_file>{std::make_shared<file>(*this, in(path), std::move(*opened))};
  }
  result<> make_directory(const std::string& path) override { return below_->make_directory(in(path)); }
  result<std::vector<std::string>> list(const std::string& path) override { return below_->list(in(path)); }
  result<bool> exists(const std::string& path) override { return below_->exists(in(path)); }
  result<> rename(const std::string& from, const std::string& to) override { return below_->rename(in(from), in(to)); }
  result<> remove(const std::string& path) override { return below_->remove(in(path)); }
  result<> sync_directory(const std::string& path) override {
    if (syncs_->leave_out(*below_, in(path) + "/")) return {};
    return below_->sync_directory(in(path));
  }
  result<disk_space> space() override { return below_->space(); }

private:
  class file final : public disk_file {
  public:
    file(disk_part& of, std::string path, std::shared_ptr<disk_file> below)
        : syncs_(of.syncs_), disk_(of.below_), path_(std::move(path)), below_(std::move(below)) {}
    result<> read_at(std::uint64_t offset, bytes_span out) const override { return below_->read_at(offset, out); }
    result<> write_at(std::uint64_t offset, std::span<const bytes_view> buffers) override {
      return below_->write_at(offset, buffers);
    }
    result<> sync() override {
      if (syncs_->leave_out(*disk_, path_)) return {};
      return below_->sync();
    }
    result<> truncate(std::uint64_t bytes) override { return below_->truncate(bytes); }
    result<std::uint64_t> size() const override { return below_->size(); }

  private:
    std::shared_ptr<sync_log> syncs_;
    std::shared_ptr<sim_disk> disk_;
    std::string path_;
    std::shared_ptr<disk_file> below_;
  };
  std::string in(const std::string& path) const { return path.empty() ? at_ : at_ + "/" + path; }

  std::shared_ptr<sim_disk> below_;
  std::string at_;
  std::shared_ptr<sync_log> syncs_;
};

} // namespace troupe::test
