#include "roles/identity_service.hpp"

#include "actors/identity_keeper.hpp"
#include "codec/text.hpp"
#include "roles/audit_log.hpp"
#include "roles/jwks_source.hpp"
#include "store/text_file.hpp"

#include <caf/all.hpp>

namespace troupe {

namespace {

constexpr std::uint64_t key_file_bytes_max = 1024;

// The key that SigV4 secrets are sealed with; nothing when none is configured.
result<std::optional<master_key>> load_master_key(const identity_settings& s, entropy& random) {
  const auto& path = s.master_key_file;
  if (path.empty()) return std::optional<master_key>{};
  const auto text = read_text_file(path, key_file_bytes_max);
  if (!text && text.error().code == ec::not_found && s.make_master_key) {
    master_key key;
    random.fill(key.raw);
    TROUPE_TRY(make_text_file(path, hex_encode(bytes_view{key.raw}) + "\n", readable_by::owner));
    return std::optional{key};
  }
  if (!text) return text.error();
  const auto key = master_key::parse(*text);
  if (!key) return fail(key.error().code, path + ": " + key.error().message);
  return std::optional{*key};
}

} // namespace

struct identity_service::impl {
  explicit impl(identity_service_options o) : options(std::move(o)) {}
  identity_service_options options;
  std::optional<master_key> master;
  std::shared_ptr<identity::holder> known = std::make_shared<identity::holder>();
  std::shared_ptr<jwks_source> keys; // empty: no tokens
  std::unique_ptr<audit_log> audit;  // empty: there is none
  std::optional<audited_requests> watcher;
  std::optional<identity_gate> gate;
  identity_keeper_actor keeper;
};

identity_service::identity_service(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
identity_service::~identity_service() { stop(); }

result<std::unique_ptr<identity_service>> identity_service::start(
  caf::actor_system& system, identity_service_options options) {
  auto i = std::make_unique<impl>(std::move(options));
  auto& o = i->options;
  auto master = load_master_key(o.settings, *o.random);
  if (!master) return master.error();
  i->master = *master;
  if (!o.audit.file.empty()) {
    auto opened = audit_log::open(o.audit, *o.clock);
    if (!opened) return opened.error();
    i->audit = std::move(*opened);
  }
  const auto& jwt = o.settings.jwt;
  if (jwt.on()) {
    TROUPE_TRY(check_jwks_address(jwt.keys));
    jwks_options from;
    from.where = jwt.keys;
    from.interval = jwt.refresh;
    i->keys = std::make_shared<jwks_source>(std::move(from));
  }
  i->gate.emplace(identity_gate_options{.root_key = o.root.access_key,
    .root_secret = o.root.secret_key,
    .known = i->known,
    .keys = i->keys,
    .tokens = {.issuer = jwt.issuer, .audience = jwt.audience, .roles_claim = jwt.roles_claim},
    .clock = o.clock});
  identity_keeper_options keep;
  keep.metadata = o.metadata;
  keep.known = i->known;
  keep.master = i->master;
  keep.interval = o.settings.refresh;
  i->keeper = spawn_identity_keeper(system, std::move(keep));
  return std::unique_ptr<identity_service>{new identity_service{std::move(i)}};
}

const identity_gate& identity_service::gate() const { return *impl_->gate; }

admin::identity_administration identity_service::administration() const {
  return {.keeper = impl_->keeper, .known = impl_->known, .master = impl_->master, .random = impl_->options.random};
}

http::observer& identity_service::watch(http::observer& next) {
  return impl_->watcher.emplace(next, impl_->audit.get());
}

bool identity_service::ready() const { return impl_->known->get() != nullptr; }

void identity_service::stop() {
  if (impl_->keeper) caf::anon_send_exit(impl_->keeper, caf::exit_reason::user_shutdown);
  impl_->keeper = nullptr;
  impl_->options.metadata = nullptr;
}

} // namespace troupe
