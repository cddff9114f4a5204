// ec2_client: the calls of the EC2 Query API that volumes need, signed (SigV4, service ec2) and repeated with back-off. It
// knows no sockets: bytes go through `exchange` (net/http_post.hpp is the real one), and it waits through `wait`.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/
#pragma once

#include "base/environment.hpp"
#include "base/error.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

struct http_post_call {
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};
struct http_post_answer {
  int status = 0;
  std::string body; // at most 1 MiB
};
// ec::timeout or ec::unavailable when there is no answer.
using http_post_exchange = std::function<result<http_post_answer>(const http_post_call&)>;

struct ec2_options {
  std::string endpoint; // "https://ec2.eu-central-1.amazonaws.com"; no path
  std::string region;
  std::string access_key, secret_key;
  http_post_exchange exchange;
  std::function<void(std::chrono::milliseconds)> wait;
  wall_clock* clock = nullptr;
  entropy* random = nullptr;
  unsigned attempts_max = 5;
  std::chrono::milliseconds first_back_off{200}; // doubles, up to 5 s; a random half of it is waited besides
};

struct ebs_attachment {
  std::string instance, device, state; // attaching, attached, detaching, detached, busy
};
struct ebs_volume {
  std::string id, type, state; // creating, available, in-use, deleting, deleted, error
  bool multi_attach = false;
  std::uint32_t gibibytes = 0;
  std::uint32_t iops = 0; // 0: its type has none
  std::vector<ebs_attachment> attachments;
};
// The last change of a volume that was asked for.
struct ebs_modification {
  std::string state; // modifying, optimizing (the new size is there), completed, failed
  std::uint32_t original_gibibytes = 0, gibibytes = 0;
  std::uint32_t original_iops = 0, iops = 0;
  std::string message; // why it failed
};
struct ebs_snapshot {
  std::string id, state, started; // pending, completed, error; "2026-11-20T20:56:00.000Z"
  std::vector<std::pair<std::string, std::string>> tags;
};
struct ebs_wanted {
  std::string zone; // all nodes of a volume are in one
  std::uint32_t gibibytes = 100;
  std::uint32_t iops = 3000;
};

// Thread safe if `exchange`, `wait` and `random` are. Errors: what AWS refused is ec::bad_argument, ec::access_denied,
// ec::not_found or (modify_volume) ec::conflict with AWS's code and message; ec::unavailable and ec::timeout after the last
// attempt.
class ec2_client {
public:
  explicit ec2_client(ec2_options o) : options_(std::move(o)) {}

  // io2, encrypted, with multi-attach. Its ClientToken makes a repeated request harmless.
  result<std::string> create_volume(const ebs_wanted&);
  result<> attach_volume(const std::string& volume, const std::string& instance, const std::string& device);
  // `force`: the instance is not asked; what it has not written yet is lost.
  result<> detach_volume(const std::string& volume, const std::string& instance, bool force = false);
  result<ebs_volume> describe_volume(const std::string& volume);
  // `iops` 0: as they are. ec::conflict: another change is under way, or was too lately; also when the answer to a first attempt
  // was lost.
  result<> modify_volume(const std::string& volume, std::uint32_t gibibytes, std::uint32_t iops);
  // Nothing: it was never modified.
  result<std::optional<ebs_modification>> describe_modification(const std::string& volume);
  using name_values = std::vector<std::pair<std::string, std::string>>;
  // Its id. What was written to the device before the call is in it.
  result<std::string> create_snapshot(
    const std::string& volume, const std::string& description, const name_values& tags = {});
  // Those of the volume that have this tag, at most 10,000.
  result<std::vector<ebs_snapshot>> describe_snapshots(const std::string& volume, const std::string& tag);
  result<> delete_snapshot(const std::string& id);

private:
  result<std::string> call(const std::string& action, const name_values&); // the answer's XML
  result<http_post_answer> send(const std::string& body);
  std::chrono::milliseconds back_off(unsigned attempt);

  ec2_options options_;
};

} // namespace troupe
