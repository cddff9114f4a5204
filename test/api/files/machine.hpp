// machine: the files front door of a one-process store on one simulated disk, whose power can be cut after any operation on
// the disk: real handlers, store, replicator, shards and METADATA, driven by the test's own thread. Requests come over a
// connection of the loopback interface that the test holds both ends of. What a machine was asked for, and what of it was
// answered, outlives the crash.
#pragma once

#include "actors/replicator.hpp"
#include "actors/volume_manager.hpp"
#include "api/files/files.hpp"
#include "api/http/connection.hpp"
#include "api/identity/gate.hpp"
#include "api/objects/clustered_store.hpp"
#include "codec/digest.hpp"
#include "codec/sigv4.hpp"
#include "codec/text.hpp"
#include "codec/uri.hpp"
#include "support/metadata_member.hpp"
#include "support/sync_log.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <linux/sockios.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace troupe::test {

class machine {
public:
  static constexpr std::string_view access_key = "AKIDEXAMPLE", secret_key = "not-a-secret-at-all";

  machine(std::uint64_t seed, std::size_t nodes) : files(std::make_shared<sim_disk>(seed)), random_(seed) {
    spdlog::set_level(spdlog::level::off); // simulated failures by the thousand
    for (std::size_t i = 0; i <= nodes; ++i) bases_.push_back(make_memory_base());
  }
  ~machine() {
    stop();
    spdlog::set_level(level_before_);
  }
  machine(const machine&) = delete;
  machine& operator=(const machine&) = delete;

  std::shared_ptr<sim_disk> files;
  std::shared_ptr<sync_log> syncs = std::make_shared<sync_log>();

  // Opens what is on the disk. An error: it did not come up, because the power went off.
  result<> start() {
    stop();
    auto p = std::make_unique<process>(*this);
    TROUPE_TRY(p->open(*this));
    process_ = std::move(p);
    return {};
  }
  void stop() { process_.reset(); }
  // The power goes, if it has not gone yet, and returns.
  void crash() {
    if (!files->powered_off()) files->power_off_after(0);
    stop();
    files->crash();
  }

  struct outcome {
    int status = 0; // 0: no answer
    std::string body;
  };
  outcome ask(std::string_view method, std::string_view target, std::string_view content = {}) {
    return process_->exchange(request_bytes(*this, method, target, content), *files);
  }
  // The file goes as if nobody had logged it.
  bool remove_behind_the_log(const std::string& id) {
    auto done = process_->run(process_->services->store.remove(std::string{troupe::files::bucket_name}, id, {}, {}));
    return done && *done;
  }

private:
  static constexpr std::uint64_t memory_bytes = std::uint64_t{64} << 20;
  class still_clock final : public wall_clock {
  public:
    unix_ms now() const override { return 1'792'569'600'000; }
  };

  // What a crash ends.
  struct process {
    explicit process(machine& m) : io(std::in_place, 0u, m.clock_, m.random_) {}
    ~process() { // in the order that front_door has: what waits for ever unwinds with its io_context
      if (client >= 0) ::close(client);
      if (services) services->bridge.close();
      io.reset();
      services.reset();
    }
    result<> open(machine&);
    std::shared_ptr<disk> part(machine&, const std::string& directory);
    void connect();
    outcome exchange(const std::string& request, const sim_disk& files);
    // Until neither side has anything to do; how much that was.
    std::size_t settle() {
      std::size_t all = 0;
      for (std::size_t done = 1; done != 0; all += done) {
        io->context().restart();
        done = io->context().poll();
        done += fx.run();
      }
      return all;
    }
    template <class T>
    std::optional<T> run(http::task<T> what) {
      auto out = std::make_shared<std::optional<T>>();
      boost::asio::co_spawn(io->context(), keep(std::move(what), out), boost::asio::detached);
      settle();
      return *out;
    }
    template <class T>
    static http::task<void> keep(http::task<T> what, std::shared_ptr<std::optional<T>> out) {
      out->emplace(co_await std::move(what));
    }

    struct io_services {
      io_services(actor_fixture& fx, http::worker& io, const clustered_store_options& o)
          : bridge(fx.system, io.context()), memory(io.context(), memory_bytes, 16), store(o, io, bridge, memory) {}
      http::actor_bridge bridge;
      http::budget memory;
      clustered_store store;
    };

    read_pins pins; // outlives the sessions
    actor_fixture fx;
    metadata_actor metadata;
    replicator_actor replicator;
    std::optional<http::server_config> config;
    http::connection_count connections;
    std::optional<io_services> services;
    std::optional<http::worker> io;
    int client = -1; // the other end of the one connection
  };

  static std::string request_bytes(const machine&, std::string_view method, std::string_view target, std::string_view);

  still_clock clock_;
  seeded_entropy random_;
  std::vector<std::shared_ptr<state_base>> bases_; // METADATA's, then the nodes'
  identity_gate gate_{{.root_key = std::string{access_key},
    .root_secret = std::string{secret_key},
    .known = nullptr,
    .keys = nullptr,
    .tokens = {},
    .clock = &clock_}};
  std::unique_ptr<process> process_;
  spdlog::level::level_enum level_before_ = spdlog::get_level();
};

inline std::shared_ptr<disk> machine::process::part(machine& m, const std::string& directory) {
  (void)m.files->make_directory(directory); // a power cut is seen by what follows
  return std::make_shared<disk_part>(m.files, directory, m.syncs);
}

inline result<> machine::process::open(machine& m) {
  metadata_options o;
  o.files = part(m, "coordinator");
  o.directory = "metadata";
  o.base = std::make_shared<powered_base>(m.bases_[0], m.files);
  o.random = &m.random_;
  o.detached = false;
  o.syncer = fx.own(spawn_syncer(fx.system, false));
  o.worker = fx.own(spawn_worker(fx.system, false));
  o.checkpoint.commands = 7; // small: checkpoints and rotations happen all the time
  o.segment_bytes = 16384;
  auto member = spawn_metadata(fx.system, std::move(o));
  if (!member) return member.error();
  metadata = fx.own(*member);

  replicator_options r;
  std::vector<ring_node> places;
  for (std::size_t i = 1; i < m.bases_.size(); ++i) {
    volume_options v;
    v.node = "node-" + std::to_string(i);
    v.cluster = "crash-test";
    v.files = part(m, v.node);
    v.index = std::make_shared<powered_base>(m.bases_[i], m.files);
    v.detached = false;
    v.store.segment_bytes = 128 << 10;
    const node_id id{v.node};
    auto manager = spawn_volume_manager(fx.system, std::move(v));
    if (!manager) return manager.error();
    auto shard = fx.ask<shard_actor>(fx.own(*manager), shards_atom::value);
    fx.run();
    if (!shard.ok()) return shard.outcome().error();
    r.cluster.nodes.emplace_back(id, shard.value());
    places.push_back({id, "", 1});
  }
  r.cluster.places = ring{places};
  r.random = &m.random_;
  r.pins = &pins;
  replicator = fx.own(spawn_replicator(fx.system, std::move(r)));

  clustered_store_options s;
  s.metadata = metadata;
  s.replicator = replicator;
  s.clock = &m.clock_;
  s.random = &m.random_;
  s.pins = &pins;
  const auto n = static_cast<std::uint32_t>(places.size());
  s.nodes = std::make_shared<live_node_counts>(node_counts{n, n});
  s.redundancy.piece_bytes = 16 << 10;
  services.emplace(fx, *io, s);

  surface_context context;
  context.store_of = [this](http::request&) -> object_store& { return services->store; };
  context.actors_of = [this](http::request&) -> http::actor_bridge& { return services->bridge; };
  context.metadata = metadata;
  context.identity = &m.gate_;
  context.clock = &m.clock_;
  context.random = &m.random_;
  context.files.segment_bytes = 4096;
  context.files.segments_kept = 1;
  config.emplace(http::server_config{.clock = m.clock_,
    .random = m.random_,
    .handle = troupe::files::make_handler(std::move(context)),
    .render_error = troupe::files::render_error,
    .cut = {}});
  settle();
  connect();
  return {};
}

inline void machine::process::connect() {
  const auto require = [](bool ok, const char* what) {
    if (!ok) throw std::runtime_error{std::string{what} + ": " + std::strerror(errno)};
  };
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t bytes = sizeof at;
  auto* name = reinterpret_cast<sockaddr*>(&at);
  require(listener >= 0 && ::bind(listener, name, bytes) == 0 && ::listen(listener, 1) == 0, "listen");
  require(::getsockname(listener, name, &bytes) == 0, "getsockname");
  client = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  require(client >= 0 && ::connect(client, name, bytes) == 0, "connect");
  const int server = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  require(server >= 0, "accept");
  ::close(listener);
  http::tcp_socket socket{io->context()};
  socket.assign(boost::asio::ip::tcp::v4(), server);
  http::connection::surroundings around{*config, *io, false};
  http::connection_count::ticket ticket{connections, *io};
  boost::asio::co_spawn(
    io->context(), http::connection::run(std::move(socket), std::move(ticket), around), boost::asio::detached);
}

// Gives up when nothing moves any more and the power is off: then nobody will answer.
inline machine::outcome machine::process::exchange(const std::string& request, const sim_disk& files) {
  constexpr int idle_rounds_max = 10'000; // of a millisecond: the kernel may take a moment between the two ends
  std::string_view to_send{request};
  std::string got;
  std::size_t whole = 0; // bytes of the answer, once its head is there
  outcome out;
  for (int idle = 0; whole == 0 || got.size() < whole;) {
    auto moved = settle();
    if (const auto n = ::send(client, to_send.data(), to_send.size(), MSG_DONTWAIT | MSG_NOSIGNAL); n > 0) {
      to_send.remove_prefix(static_cast<std::size_t>(n));
      moved += static_cast<std::size_t>(n);
    }
    char buffer[65536];
    const auto n = ::recv(client, buffer, sizeof buffer, MSG_DONTWAIT);
    if (n == 0) return {}; // closed
    if (n > 0) {
      got.append(buffer, static_cast<std::size_t>(n));
      moved += static_cast<std::size_t>(n);
    }
    if (const auto end = got.find("\r\n\r\n"); whole == 0 && end != got.npos) {
      out.status = std::stoi(got.substr(9, 3));
      const auto length = got.find("Content-Length: ");
      whole = end + 4 + (length < end ? std::stoull(got.substr(length + 16)) : 0);
    }
    if (moved != 0) {
      idle = 0;
      continue;
    }
    int unacknowledged = 0;
    if (files.powered_off() && to_send.empty() && ::ioctl(client, SIOCOUTQ, &unacknowledged) == 0 &&
      unacknowledged == 0 && idle > 0)
      return {};
    if (idle > 100) fx.advance(std::chrono::milliseconds{10}); // somebody waits for a time to pass
    if (++idle == idle_rounds_max) throw std::runtime_error{"no answer, although the power is on"};
    io->context().restart();
    io->context().run_one_for(std::chrono::milliseconds{1});
  }
  out.body = got.substr(got.find("\r\n\r\n") + 4);
  settle(); // what comes after the answer
  return out;
}

inline std::string machine::request_bytes(
  const machine& m, std::string_view method, std::string_view target, std::string_view content) {
  const auto payload = hex_encode(bytes_view{sha256(as_bytes(content))});
  uri parsed;
  REQUIRE(parsed.parse(target));
  const std::vector<header_view> headers{{"Host", "machine:8001"}};
  const auto added = sign({.method = method, .path = parsed.path, .query = parsed.query, .headers = headers},
    {.access_key = access_key, .secret_key = secret_key, .region = "us-east-1", .service = "troupe"}, payload,
    m.clock_.now());
  std::string out{method};
  ((out += ' ') += target) += " HTTP/1.1\r\nHost: machine:8001\r\n";
  for (const auto& [name, value] : added) (((out += name) += ": ") += value) += "\r\n";
  out += "Content-Length: " + std::to_string(content.size()) + "\r\n\r\n";
  return out += content;
}

} // namespace troupe::test
