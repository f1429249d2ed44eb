#include "sim/world.hpp"

#include "sim/memory_transport.hpp"
#include "util/log.hpp"
#include "util/str.hpp"

namespace sim {
namespace {

constexpr spark::Duration start_limit{std::chrono::minutes(2)};
/// Longer than all deadlines of undoing together.
constexpr spark::Duration afterwards{std::chrono::minutes(30)};

}  // namespace

/// Connects the plugin to lightningd's RPC socket.
class World::Connector final : public util::Connector {
 public:
  explicit Connector(World& world) : world_(world) {}

  void connect(const std::string&, util::Function<void(util::Result<std::unique_ptr<util::Transport>>)> done) override {
    auto [client, server] = make_pair(world_.time_);
    world_.lightningd_->accept(std::move(server));
    world_.time_.post([done = std::move(done), client = std::move(client)]() mutable { done(std::move(client)); });
  }

 private:
  World& world_;
};

World::World(Setup setup)
    : lightningd_(std::make_unique<Lightningd>(time_, std::move(setup))),
      connector_(std::make_unique<Connector>(*this)) {
  start_plugin();
}

World::~World() = default;

void World::start_plugin() {
  auto [plugin, host] = make_pair(time_);
  stdio_ = std::move(plugin);
  ready_ = false;
  multifundchannel::Environment environment;
  environment.lightningd_version = node().core().setup.version;
  environment.spenderp_runs = [spenderp = node().core().setup.spenderp] { return spenderp; };
  ended_ = false;
  environment.exit = [this](int) { ended_ = true; };
  environment.seed = node().core().setup.seed;
  app_ = std::make_unique<multifundchannel::App>(*stdio_, *connector_, time_, std::move(environment));
  app_->start();
  lightningd_->start_plugin(
      std::move(host), {}, [this] { ready_ = true; }, [] {});
  const auto end = time_.now() + start_limit;
  while (!ready_ && time_.now() < end && time_.step()) {
  }
}

void World::kill_plugin() {
  app_.reset();
  stdio_.reset();
  util::set_log_sink(nullptr);
  lightningd_->drop_plugin();
  ready_ = false;
}

void World::restart_lightningd() {
  kill_plugin();
  node().restart();
  start_plugin();
}

Outcome World::call(const std::string& method, const std::string& params, spark::Duration limit) {
  const auto number = start(method, params);
  (void)run_until_answered(number, limit);
  return outcome(number);
}

std::size_t World::start(const std::string& method, const std::string& params) {
  const auto number = calls_.size();
  auto& outcome = calls_.emplace_back(std::make_shared<Outcome>());
  auto deliver = [this, outcome, began = time_.now()](util::Result<std::string> result) {
    ++outcome->replies;
    outcome->answered = true;
    outcome->result = std::move(result);
    outcome->took = time_.now() - began;
  };
  auto notify = [outcome](std::string_view name, std::string_view text) {
    outcome->notifications.push_back(util::str(name, " ", text));
  };
  lightningd_->handle({util::str("\"test:", method, "#", number, "\""), method, expand(params)},
                      Reply(std::move(deliver), std::move(notify)));
  return number;
}

bool World::run_until_answered(std::size_t call, spark::Duration limit) {
  const auto end = time_.now() + limit;
  while (!calls_[call]->answered && time_.now() < end && time_.step()) {
  }
  return calls_[call]->answered;
}

void World::finish_all(spark::Duration limit) {
  const auto end = time_.now() + limit;
  for (std::size_t i = 0; i < calls_.size() && time_.now() < end; ++i) (void)run_until_answered(i, end - time_.now());
}

std::string World::expand(std::string params) {
  for (auto& peer : node().core().peers.all()) {
    const std::pair<std::string, std::string> names[] = {
        {util::str("\"$", peer.setup.name, "\""), util::str("\"", peer.id.hex(), "\"")},
        {util::str("\"$", peer.setup.name, "@\""), util::str("\"", peer.id.hex(), "@", peer.address(), "\"")}};
    for (const auto& [from, to] : names) {
      for (auto at = params.find(from); at != std::string::npos; at = params.find(from, at + to.size())) {
        params.replace(at, from.size(), to);
      }
    }
  }
  return params;
}

Peer& World::peer(std::string_view name) { return *node().core().peers.by_name(name); }

std::string World::peer_id(std::string_view name) { return peer(name).id.hex(); }

std::vector<std::string> World::check_invariants() {
  time_.run_for(afterwards);
  auto found = node().core().monitor.violations();
  for (auto& left : node().core().monitor.leftovers()) found.push_back(std::move(left));
  for (std::size_t i = 0; i < calls_.size(); ++i) {
    if (!calls_[i]->answered) found.push_back(util::str("call ", i, " was never answered"));
    if (calls_[i]->replies > 1) found.push_back(util::str("call ", i, " got ", calls_[i]->replies, " replies"));
  }
  for (const auto& [key, entry] : node().datastore().entries()) {
    if (!key.empty() && key[0] == "multifundchannel") found.push_back("a journal entry is left: " + key.back());
  }
  return found;
}

}  // namespace sim
