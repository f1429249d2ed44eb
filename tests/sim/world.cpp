#include "sim/world.hpp"

#include <algorithm>
#include <exception>

#include "json/value.hpp"
#include "request/request.hpp"
#include "sim/memory_transport.hpp"
#include "sim/settled.hpp"
#include "util/log.hpp"
#include "util/str.hpp"

namespace sim {
namespace {

constexpr spark::Duration start_limit{std::chrono::minutes(2)};
/// Longer than all deadlines of undoing together, and than the pauses between attempts to send.
constexpr spark::Duration afterwards{std::chrono::minutes(40)};
/// Longer than the first reservation, whose record a killed plugin may not have written; and than txprepare's,
/// when its answer was lost just as several blocks came.
std::uint32_t orphaned(const Node& node) {
  if (node.txprepare().kept() > 0) return 74;
  return node.core().setup.options.contains("multifundchannel-dry-run") ? 26 : 14;
}
bool is_aborting(Node& node) {
  const auto& entries = node.datastore().entries();
  return std::any_of(entries.begin(), entries.end(), [](const auto& entry) {
    const auto& data = entry.second.data;
    static constexpr std::string_view word = "\"abort\":";
    return std::search(data.begin(), data.end(), word.begin(), word.end()) != data.end();
  });
}
constexpr int connection_lost = -1;
/// What lightningd grants a plugin that it asks to end.
constexpr spark::Duration patience_with_plugins{std::chrono::seconds(30)};
/// Unix time when a world begins.
constexpr std::int64_t birth = 1'800'000'000;

/// The batch of a call with confirm=true.
std::optional<std::string> confirmed(const std::string& params) {
  const auto document = json::Document::parse(params, "params");
  const auto batch = document ? document->root().find("batch") : std::nullopt;
  const auto confirm = document ? document->root().find("confirm") : std::nullopt;
  if (!batch || !confirm || !batch->string() || confirm->dump() != "true") return std::nullopt;
  return std::string(*batch->string());
}

}  // namespace

/// Connects the plugin to lightningd's RPC socket.
class World::Connector final : public util::Connector {
 public:
  explicit Connector(World& world) : world_(world) {}

  void connect(const std::string&, util::Function<void(util::Result<std::unique_ptr<util::Transport>>)> done) override {
    if (world_.stopping_ && world_.stopping_->first == End::stop_lightningd) {
      world_.life_->post([done = std::move(done)]() mutable { done(util::Error{-1, "Connection refused", ""}); });
      return;
    }
    auto [client, server] = make_pair(world_.time_);
    world_.lightningd_->accept(std::move(server));
    world_.life_->post([done = std::move(done), client = std::move(client)]() mutable { done(std::move(client)); });
  }

 private:
  World& world_;
};

World::World(Setup setup)
    : lightningd_(std::make_unique<Lightningd>(time_, std::move(setup))),
      connector_(std::make_unique<Connector>(*this)) {
  start_plugin();
  first_event_ = time_.steps();
  kills_ = node().core().setup.kills;
  std::reverse(kills_.begin(), kills_.end());
}

World::~World() = default;

void World::launch() {
  if (app_) return;
  auto& core = node().core();
  core.trace("=== start");
  core.monitor.plugin_starts();
  if (!core.running) node().start();
  auto [plugin, host] = make_pair(time_);
  stdio_ = std::move(plugin);
  life_ = std::make_unique<PluginLife>(time_);
  ready_ = shutting_down_ = false;
  stopping_.reset();
  app::Environment environment;
  environment.lightningd_version = core.setup.version;
  environment.spenderp_runs = [spenderp = core.setup.spenderp] { return spenderp; };
  environment.exit = [this](int) { plugin_exits(); };
  environment.seed = core.setup.seed + (starts_++ << 32);
  environment.unix_time = [this] { return birth + time_.now().count() / 1000; };
  environment.files = &files_;
  app_ = std::make_unique<app::App>(*stdio_, *connector_, *life_, std::move(environment));
  app_->start();
  lightningd_->start_plugin(
      std::move(host), {}, [this] { ready_ = true; }, [this] { plugin_closed(); });
}

void World::plugin_exits() {
  ended_ = true;
  if (!shutting_down_) node().core().monitor.violation(Invariant::never_crashes, "the plugin ended itself");
  if (!stopping_) return;
  time_.post([this, life = starts_] {
    if (life == starts_ && stopping_) stopped(stopping_->second);
  });
}

/// What it wrote last is still on its way to lightningd.
void World::plugin_closed() {
  time_.post([this, life = starts_] {
    if (life == starts_ && !app_) lightningd_->drop_plugin();
  });
}

void World::start_plugin() {
  launch();
  const auto end = time_.now() + start_limit;
  while (!ready_ && time_.now() < end && step()) {
  }
}

void World::kill_plugin() {
  lightningd_->plugin_dies();
  forget_plugin();
  lightningd_->drop_plugin();
}

void World::forget_plugin() {
  app_.reset();
  stdio_.reset();
  life_.reset();
  util::set_log_sink(nullptr);
  ready_ = false;
  stopping_.reset();
}

void World::stop(End how, spark::Duration down) {
  announce_shutdown();
  stopping_ = {how, down};
  time_.start_timer(patience_with_plugins, [this, down, life = starts_] {
    if (life == starts_ && stopping_) stopped(down);
  });
}

void World::stopped(spark::Duration down) {
  node().core().trace("=== ", ended_ ? "stopped" : "killed, for it did not end");
  const bool all = stopping_->first == End::stop_lightningd;
  if (all) {
    kill_lightningd();
  } else if (std::exchange(ended_, false)) {
    forget_plugin();
  } else {
    kill_plugin();
  }
  ended_ = false;
  time_.start_timer(down, [this] { launch(); });
}

void World::kill_lightningd() {
  for (const auto& call : calls_) {
    if (call->answered) continue;
    call->answered = call->lost = true;
    call->replies = 1;
    call->result = util::Error{connection_lost, "lightningd closed the connection", ""};
  }
  kill_plugin();
  lightningd_->kill();
}

void World::start_lightningd() { start_plugin(); }

void World::restart_lightningd() {
  kill_lightningd();
  start_lightningd();
}

void World::announce_shutdown() {
  shutting_down_ = true;
  lightningd_->announce_shutdown();
}

bool World::step() {
  kill_if_due();
  try {
    return time_.step();
  } catch (const std::exception& error) {
    node().core().monitor.violation(Invariant::never_crashes, util::str("an exception: ", error.what()));
    return true;
  }
}

void World::kill_if_due() {
  if (kills_.empty() || events() < kills_.back().event || first_event_ == 0) return;
  if (!kills_.back().method.empty() && !node().core().methods.calls().contains(kills_.back().method)) return;
  const Kill kill = kills_.back();
  kills_.pop_back();
  if (!app_ || shutting_down_) return;
  static constexpr const char* names[] = {"kill -9 of the plugin", "kill -9 of lightningd", "plugin stop", "stop"};
  node().core().trace("=== ", names[static_cast<std::size_t>(kill.how)]);
  if (kill.how == End::stop_plugin || kill.how == End::stop_lightningd) return stop(kill.how, kill.down);
  kill.how == End::kill_lightningd ? kill_lightningd() : kill_plugin();
  time_.start_timer(kill.down, [this] { launch(); });
}

Outcome World::call(const std::string& method, const std::string& params, spark::Duration limit) {
  const auto number = start(method, params);
  (void)run_until_answered(number, limit);
  return outcome(number);
}

std::size_t World::start(const std::string& method, const std::string& params) {
  const auto number = calls_.size();
  auto& outcome = calls_.emplace_back(std::make_shared<Outcome>());
  outcome->method = method;
  outcome->params = expand(params);
  auto deliver = [this, outcome, began = time_.now()](util::Result<std::string> result) {
    if (outcome->lost) return;
    ++outcome->replies;
    outcome->answered = true;
    outcome->result = std::move(result);
    outcome->took = time_.now() - began;
  };
  auto notify = [outcome](std::string_view name, std::string_view text) {
    outcome->notifications.push_back(util::str(name, " ", text));
  };
  if (method == "multifundchannel-abort") note_abort(outcome->params);
  if (method == "multifundchannel-forget") note_forget(outcome->params);
  if (method == "multifundchannel" || method == "multifundchannel-prepare")
    note_payments(util::str("\"test:", method, "#", number), outcome->params);
  if (method == "multifundchannel-finish") note_finish(outcome->params);
  if (method == "multifundchannel-bump" && outcome->params.find(R"("dryrun":true)") == std::string::npos) {
    node().core().monitor.bump_asked();
  }
  lightningd_->handle({util::str("\"test:", method, "#", number, "\""), method, outcome->params},
                      Reply(std::move(deliver), std::move(notify)));
  return number;
}

void World::note_payments(const std::string& origin, const std::string& params) {
  const auto document = json::Document::read(params, "params");
  if (!document) return;
  const bool users = document->root().find("psbt").has_value();
  const auto request =
      users ? request::parse_prepare(document->root(), "regtest") : request::parse_request(document->root(), "regtest");
  if (!request) return;
  Monitor::Wanted wanted{{}, request->minchannels, request->keep_change};
  for (const auto& payment : request->payments) {
    wanted.payments[payment.script] = payment.share ? std::nullopt : std::optional(payment.amount);
  }
  node().core().monitor.wanted(origin, std::move(wanted));
}

void World::note_abort(const std::string& params) {
  if (const auto batch = confirmed(params)) node().core().monitor.abort_confirmed(*batch);
}

void World::note_forget(const std::string& params) {
  if (const auto batch = confirmed(params)) node().core().monitor.forget_confirmed(*batch);
}

void World::note_finish(const std::string& params) {
  const auto document = json::Document::parse(params, "params");
  const auto batch = document ? document->root().find("batch") : std::nullopt;
  if (batch && batch->string()) node().core().monitor.finish_asked(std::string(*batch->string()));
}

bool World::run_until_answered(std::size_t call, spark::Duration limit) {
  const auto end = time_.now() + limit;
  while (!calls_[call]->answered && time_.now() < end && step()) {
  }
  return calls_[call]->answered;
}

void World::finish_all(spark::Duration limit) {
  const auto end = time_.now() + limit;
  for (std::size_t i = 0; i < calls_.size() && time_.now() < end; ++i) (void)run_until_answered(i, end - time_.now());
}

void World::run_for(spark::Duration duration) {
  const auto end = time_.now() + duration;
  while (!time_.idle() || time_.next_due().value_or(spark::Duration::max()) <= end) step();
  time_.run_for(end - time_.now());
}

std::string World::expand(std::string params) {
  std::size_t number = 0;
  for (const auto& coin : node().core().wallet.coins()) {
    const auto name = util::str("\"$coin", number++, "\"");
    const auto at = params.find(name);
    if (at != std::string::npos) params.replace(at, name.size(), util::str("\"", coin.outpoint.str(), "\""));
  }
  for (auto at = params.find("\"$self"); at != std::string::npos; at = params.find("\"$self")) {
    params.replace(at + 1, std::string_view("$self").size(), node().id());
  }
  for (const bool with_change : {true, false}) {
    const std::string name = with_change ? "\"$users_psbt\"" : "\"$users_psbt_without_change\"";
    const auto at = params.find(name);
    if (at != std::string::npos)
      params.replace(at, name.size(), util::str('"', node().core().users.psbt(with_change), '"'));
  }
  for (auto& peer : node().core().peers.all()) {
    const auto id = peer.id.hex();
    const auto& name = peer.setup.name;
    const std::pair<std::string, std::string> names[] = {
        {util::str("\"$", name, "\""), util::str("\"", id, "\"")},
        {util::str("\"$", name, "@\""), util::str("\"", id, "@", peer.address(), "\"")},
        {util::str("$", name, "="), util::str(id, "=")},
        {util::str("$", name, " "), util::str(id, " ")},
        {util::str("$", name, "@="), util::str(id, "@", peer.address(), "=")},
        {util::str("$", name, "@ "), util::str(id, "@", peer.address(), " ")}};
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

void World::settle() {
  finish_all();
  kills_.clear();
  node().recover();
  // Whatever was killed last may still wait for its start; and what a shutdown left is for the next one.
  if (app_ && ended_) kill_plugin();
  if (!app_) start_plugin();
  run_for(afterwards);
  node().others_give_up();
  // What the plugin still waits for may come as long as the connection lives: so it cannot be settled.
  if (node().core().rpc_faults.swallowed()) {
    kill_plugin();
    start_plugin();
  }
  for (auto blocks = orphaned(node()); blocks > 0; --blocks) {
    mine(1);
    run_for(std::chrono::minutes(1));
  }
  while (node().core().wallet.is_taken()) mine(1);
  for (int blocks = 0; blocks < 12 && is_aborting(node()); ++blocks) {
    run_for(std::chrono::minutes(6));
    mine(1);
  }
  run_for(afterwards);
}

std::vector<std::string> World::check_invariants() {
  settle();
  for (const auto& [path, text] : files_.texts()) node().core().monitor.stored(text);
  std::optional<Outcome> listed;
  if (lightningd_->knows("listmultifundchannels")) listed = call("listmultifundchannels", "{}");
  return broken_invariants(node(), calls_, listed);
}

}  // namespace sim
