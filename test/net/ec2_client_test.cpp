// The EC2 calls over real HTTP, against a stand-in that checks signatures and answers as scripted.
#include "codec/sigv4.hpp"
#include "codec/text.hpp"
#include "codec/uri.hpp"
#include "net/http_post.hpp"
#include "support/print_result.hpp"
#include "volumes/aws_ebs.hpp"

#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <netinet/in.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using namespace troupe;
using namespace std::chrono_literals;

namespace {

struct seen_request {
  std::map<std::string, std::string> fields;
  bool signature_ok = false;
};

struct set_wall final : wall_clock {
  unix_ms now() const override { return 1'700'000'000'000; }
} wall;

// Answers one connection after the other; a script of (status, body), the last one for ever.
class stand_in {
public:
  explicit stand_in(std::deque<std::pair<int, std::string>> script) : script_(std::move(script)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
    REQUIRE(::listen(listener_, 16) == 0);
    socklen_t n = sizeof at;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &n);
    host = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
    thread_ = std::thread{[this] { serve(); }};
  }
  ~stand_in() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::vector<seen_request> requests() {
    std::lock_guard lock{mutex_};
    return requests_;
  }
  std::string host;

private:
  void serve() {
    for (;;) {
      int c = ::accept(listener_, nullptr, nullptr);
      if (c < 0) return;
      std::string text;
      char buffer[4096];
      while (!whole(text)) {
        auto n = ::read(c, buffer, sizeof buffer);
        if (n <= 0) break;
        text.append(buffer, static_cast<std::size_t>(n));
      }
      auto [status, body] = script_.front();
      if (script_.size() > 1) script_.pop_front();
      note(text);
      if (status != 0) { // 0: the connection is closed without an answer
        auto answer = "HTTP/1.1 " + std::to_string(status) +
          " X\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
        (void)!::write(c, answer.data(), answer.size());
      }
      ::close(c);
    }
  }
  static std::size_t head_of(const std::string& text) { return text.find("\r\n\r\n"); }
  static bool whole(const std::string& text) {
    auto head = head_of(text);
    auto at = text.find("Content-Length: ");
    return head != std::string::npos && at < head && text.size() >= head + 4 + std::stoul(text.substr(at + 16));
  }
  void note(const std::string& text) {
    seen_request seen;
    auto head = head_of(text);
    auto body = text.substr(head + 4);
    std::vector<std::pair<std::string, std::string>> lines;
    for (auto at = text.find("\r\n") + 2; at < head;) {
      auto end = text.find("\r\n", at);
      auto colon = text.find(": ", at);
      lines.emplace_back(text.substr(at, colon - at), text.substr(colon + 2, end - colon - 2));
      at = end + 2;
    }
    std::vector<header_view> headers;
    for (const auto& [n, v] : lines) headers.push_back({n, v});
    sigv4_verifier verifier{{.service = "ec2"}};
    auto known = [](std::string_view key) {
      return key == "AKID" ? std::optional<std::string>{"secret"} : std::nullopt;
    };
    auto who = verifier.verify({.method = "POST", .path = "/", .query = {}, .headers = headers}, known, wall.now());
    auto hash = sha256(as_bytes(body));
    seen.signature_ok = who && who->region == "eu-central-1" && who->payload_hash == hex_encode(bytes_view{hash});
    uri u;
    if (u.parse("/?" + body))
      for (const auto& [k, v] : u.query) seen.fields[k] = v;
    std::lock_guard lock{mutex_};
    requests_.push_back(std::move(seen));
  }

  std::deque<std::pair<int, std::string>> script_;
  int listener_ = -1;
  std::mutex mutex_;
  std::vector<seen_request> requests_;
  std::thread thread_;
};

struct world {
  explicit world(std::deque<std::pair<int, std::string>> script) : server(std::move(script)) {}
  ec2_options options() {
    ec2_options o;
    o.endpoint = "http://" + server.host;
    o.region = "eu-central-1";
    o.access_key = "AKID";
    o.secret_key = "secret";
    o.exchange = [](const http_post_call& c) { return net::http_post(c, 5s); };
    o.wait = [this](std::chrono::milliseconds t) { waits.push_back(t); };
    o.clock = &wall;
    o.random = &system_entropy();
    return o;
  }
  stand_in server;
  std::vector<std::chrono::milliseconds> waits;
};

std::string refused(const std::string& code) {
  return "<Response><Errors><Error><Code>" + code + "</Code><Message>because</Message></Error></Errors></Response>";
}

std::string described(const std::string& attachments, const char* multi = "true") {
  return "<DescribeVolumesResponse><volumeSet><item><volumeId>vol-1</volumeId><volumeType>io2</volumeType>"
         "<status>in-use</status><multiAttachEnabled>" +
    std::string{multi} + "</multiAttachEnabled><attachmentSet>" + attachments +
    "</attachmentSet></item></volumeSet></DescribeVolumesResponse>";
}

std::string attachment(const std::string& instance, const std::string& state) {
  return "<item><instanceId>" + instance + "</instanceId><device>/dev/sdf</device><status>" + state +
    "</status></item>";
}

} // namespace

TEST_CASE("EC2 calls are signed, and say what they are to do") {
  world w{{{200, "<R><volumeId>vol-9</volumeId><snapshotId>snap-9</snapshotId></R>"}}};
  ec2_client ec2{w.options()};
  REQUIRE(*ec2.create_volume({.zone = "eu-central-1a", .gibibytes = 7, .iops = 500}) == "vol-9");
  REQUIRE(ec2.attach_volume("vol-9", "i-1", "/dev/sdf"));
  REQUIRE(ec2.detach_volume("vol-9", "i-1"));
  REQUIRE(*ec2.create_snapshot("vol-9", "a b&c=d/ü") == "snap-9");
  auto seen = w.server.requests();
  REQUIRE(seen.size() == 4);
  for (const auto& r : seen) {
    REQUIRE(r.signature_ok);
    REQUIRE(r.fields.at("Version") == "2016-11-15");
  }
  REQUIRE(seen[0].fields.at("Action") == "CreateVolume");
  REQUIRE(seen[0].fields.at("VolumeType") == "io2");
  REQUIRE(seen[0].fields.at("MultiAttachEnabled") == "true");
  REQUIRE(seen[0].fields.at("Size") == "7");
  REQUIRE(seen[0].fields.at("ClientToken").size() == 32);
  REQUIRE(seen[1].fields.at("Device") == "/dev/sdf");
  REQUIRE(seen[2].fields.at("Action") == "DetachVolume");
  REQUIRE(seen[3].fields.at("Description") == "a b&c=d/ü");
}

TEST_CASE("snapshots are made with tags, listed page by page, and removed; detaching may be forced") {
  const std::string item = "<item><snapshotId>snap-1</snapshotId><status>pending</status>"
                           "<startTime>2026-01-02T03:04:05.000Z</startTime>"
                           "<tagSet><item><key>k</key><value>a&amp;b</value></item></tagSet></item>";
  world w{{{200, "<R><snapshotId>snap-9</snapshotId></R>"},
    {200, "<R><nextToken>more</nextToken><snapshotSet>" + item + "</snapshotSet></R>"},
    {200, "<R><snapshotSet>" + item + "</snapshotSet></R>"}, {200, "<R><return>true</return></R>"}}};
  ec2_client ec2{w.options()};
  REQUIRE(*ec2.create_snapshot("vol-9", "text", {{"k", "a&b"}, {"l", "m"}}) == "snap-9");
  auto all = ec2.describe_snapshots("vol-9", "k");
  REQUIRE(all);
  REQUIRE(all->size() == 2);
  REQUIRE(all->front().state == "pending");
  REQUIRE(all->front().started == "2026-01-02T03:04:05.000Z");
  REQUIRE(all->front().tags == ec2_client::name_values{{"k", "a&b"}});
  REQUIRE(ec2.delete_snapshot("snap-1"));
  REQUIRE(ec2.detach_volume("vol-9", "i-1", true));
  auto seen = w.server.requests();
  REQUIRE(seen.size() == 5);
  for (const auto& r : seen) REQUIRE(r.signature_ok);
  REQUIRE(seen[0].fields.at("TagSpecification.1.ResourceType") == "snapshot");
  REQUIRE(seen[0].fields.at("TagSpecification.1.Tag.1.Value") == "a&b");
  REQUIRE(seen[0].fields.at("TagSpecification.1.Tag.2.Key") == "l");
  REQUIRE(seen[1].fields.at("Filter.1.Value.1") == "vol-9");
  REQUIRE_FALSE(seen[1].fields.contains("NextToken"));
  REQUIRE(seen[2].fields.at("NextToken") == "more");
  REQUIRE(seen[3].fields.at("SnapshotId") == "snap-1");
  REQUIRE(seen[4].fields.at("Force") == "true");
}

TEST_CASE("a volume is modified, and EC2 says how far it is; one that never was is no error") {
  world w{{{200, "<R><volumeModification/></R>"}, {200, "<R><volumeModification/></R>"},
    {200,
      "<R><volumeModificationSet><item><modificationState>optimizing</modificationState><originalSize>100</"
      "originalSize>"
      "<targetSize>200</targetSize><originalIops>3000</originalIops><targetIops>4000</targetIops></item>"
      "</volumeModificationSet></R>"},
    {400, refused("InvalidVolumeModification.NotFound")}, {400, refused("IncorrectModificationState")}}};
  ec2_client ec2{w.options()};
  REQUIRE(ec2.modify_volume("vol-9", 200, 4000));
  REQUIRE(ec2.modify_volume("vol-9", 300, 0));
  auto last = ec2.describe_modification("vol-9");
  REQUIRE(last);
  REQUIRE(*last);
  REQUIRE((*last)->state == "optimizing");
  REQUIRE((*last)->original_gibibytes == 100);
  REQUIRE((*last)->gibibytes == 200);
  REQUIRE((*last)->original_iops == 3000);
  REQUIRE((*last)->iops == 4000);
  auto never = ec2.describe_modification("vol-9");
  REQUIRE(never);
  REQUIRE_FALSE(*never);
  REQUIRE(ec2.modify_volume("vol-9", 400, 0).error().code == ec::conflict);
  auto seen = w.server.requests();
  REQUIRE(seen.size() == 5);
  for (const auto& r : seen) REQUIRE(r.signature_ok);
  REQUIRE(seen[0].fields.at("Action") == "ModifyVolume");
  REQUIRE(seen[0].fields.at("VolumeId") == "vol-9");
  REQUIRE(seen[0].fields.at("Size") == "200");
  REQUIRE(seen[0].fields.at("Iops") == "4000");
  REQUIRE_FALSE(seen[1].fields.contains("Iops"));
  REQUIRE(seen[2].fields.at("Action") == "DescribeVolumesModifications");
  REQUIRE(seen[2].fields.at("VolumeId.1") == "vol-9");
  REQUIRE(w.waits.empty());
}

TEST_CASE("EC2 calls are repeated with growing pauses, a bounded number of times, as the same request") {
  SECTION("until one is answered") {
    world w{
      {{500, "oops"}, {503, refused("RequestLimitExceeded")}, {0, ""}, {200, "<R><volumeId>vol-9</volumeId></R>"}}};
    REQUIRE(*ec2_client{w.options()}.create_volume({.zone = "z"}) == "vol-9");
    auto seen = w.server.requests();
    REQUIRE(seen.size() == 4);
    for (const auto& r : seen) REQUIRE(r.fields.at("ClientToken") == seen[0].fields.at("ClientToken"));
    REQUIRE(w.waits.size() == 3);
    REQUIRE(w.waits[0] >= 100ms);
    REQUIRE(w.waits[2] >= 400ms);
  }
  SECTION("but not for ever") {
    world w{{{500, "oops"}}};
    auto outcome = ec2_client{w.options()}.describe_volume("vol-1");
    REQUIRE(outcome.error().code == ec::unavailable);
    REQUIRE(outcome.error().message.find("after 5 attempts") != std::string::npos);
    REQUIRE(w.server.requests().size() == 5);
  }
  SECTION("and never when it was refused") {
    world w{{{400, refused("InvalidVolume.NotFound")}}};
    auto outcome = ec2_client{w.options()}.describe_volume("vol-1");
    REQUIRE(outcome.error().code == ec::not_found);
    REQUIRE(w.server.requests().size() == 1);
    REQUIRE(w.waits.empty());
  }
}

TEST_CASE("an EBS volume is attached once, waited for, and not mistaken for a mounted one") {
  world w{{{200, described("")}, {200, "<R/>"}, {200, described(attachment("i-1", "attaching"))},
    {200, described(attachment("i-2", "attached") + attachment("i-1", "attached"))}}};
  auto provider = make_aws_ebs({.ec2 = w.options(), .volume = "vol-1", .instance = "i-1", .device = "/dev/sdf"});
  auto outcome = provider->attach({.id = "v", .provider = "aws-ebs", .path = "/usr"});
  REQUIRE_FALSE(outcome);
  REQUIRE(outcome.error().code == ec::not_found);
  REQUIRE(outcome.error().message.find("nothing is mounted") != std::string::npos);
  auto seen = w.server.requests();
  REQUIRE(seen.size() == 4);
  REQUIRE(seen[1].fields.at("Action") == "AttachVolume");
}

TEST_CASE(
  "an EBS volume without multi-attach is refused, and one that is never attached is not waited for without end") {
  {
    world w{{{200, described("", "false")}}};
    auto provider = make_aws_ebs({.ec2 = w.options(), .volume = "vol-1", .instance = "i-1", .device = "/dev/sdf"});
    REQUIRE(provider->attach({.id = "v", .provider = "aws-ebs", .path = "/mnt"}).error().code == ec::bad_argument);
  }
  world w{{{200, described(attachment("i-1", "busy"))}}};
  auto provider =
    make_aws_ebs({.ec2 = w.options(), .volume = "vol-1", .instance = "i-1", .device = "/dev/sdf", .polls_max = 3});
  REQUIRE(provider->attach({.id = "v", .provider = "aws-ebs", .path = "/mnt"}).error().code == ec::timeout);
  REQUIRE(w.server.requests().size() == 3);
}
