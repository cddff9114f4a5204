#include "volumes/aws_ebs.hpp"

#include <algorithm>
#include <sys/stat.h>

namespace troupe {
namespace {

// A mount point is on another device than its parent.
bool is_mounted(const std::string& path) {
  struct stat here {
  }, above{};
  return ::stat(path.c_str(), &here) == 0 && ::stat((path + "/..").c_str(), &above) == 0 && here.st_dev != above.st_dev;
}

class aws_ebs final : public volume_provider {
public:
  explicit aws_ebs(aws_ebs_options o) : options_(std::move(o)), ec2_(options_.ec2) {}

  result<std::unique_ptr<attached_volume>> attach(const volume_config& v) override {
    TROUPE_TRY(attach_device());
    if (!is_mounted(v.path))
      return fail(ec::not_found,
        options_.volume + " is attached as " + options_.device + ", and nothing is mounted at " + v.path +
          ": mount a cluster file system there");
    auto shared = make_volume_provider("shared-dir");
    if (!shared) return std::move(shared).error();
    return (*shared)->attach(v);
  }

private:
  result<> attach_device() {
    bool asked = false;
    for (unsigned poll = 0; poll < options_.polls_max; ++poll) {
      if (poll != 0) options_.ec2.wait(options_.poll);
      auto volume = ec2_.describe_volume(options_.volume);
      if (!volume) return std::move(volume).error();
      if (!volume->multi_attach)
        return fail(ec::bad_argument,
          options_.volume + " (" + volume->type + ") was made without multi-attach: its backups could not read it");
      auto mine = std::ranges::find(volume->attachments, options_.instance, &ebs_attachment::instance);
      if (mine != volume->attachments.end() && mine->state == "attached") return {};
      if (!asked && (mine == volume->attachments.end() || mine->state == "detached")) {
        TROUPE_TRY(ec2_.attach_volume(options_.volume, options_.instance, options_.device));
        asked = true;
      }
    }
    return fail(ec::timeout, options_.volume + " was not attached to " + options_.instance + " in time");
  }

  aws_ebs_options options_;
  ec2_client ec2_;
};

} // namespace

std::unique_ptr<volume_provider> make_aws_ebs(aws_ebs_options o) { return std::make_unique<aws_ebs>(std::move(o)); }

} // namespace troupe
