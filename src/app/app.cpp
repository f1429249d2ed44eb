#include "app/app.hpp"

#include <charconv>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>

#include "announcing/announcer.hpp"
#include "app/options.hpp"
#include "app/service.hpp"
#include "bump/bump_params.hpp"
#include "json/writer.hpp"
#include "jsonrpc/caller.hpp"
#include "left/batch_params.hpp"
#include "lightningd/channel.hpp"
#include "lightningd/codes.hpp"
#include "lightningd/features.hpp"
#include "plugin/plugin.hpp"
#include "request/request.hpp"
#include "util/log.hpp"
#include "util/str.hpp"

namespace app {

using plugin::Configuration;
using util::Result;

namespace {

constexpr auto builtin_name = "multifundchannel";
constexpr auto own_name = "multifundchannel-spark";
constexpr auto usage_of_main =
    "destinations [feerate] [minconf] [utxos] [minchannels] [commitment_feerate] "
    "[peer_timeout] [details] [max_fee] [max_feerate] [dryrun] [outputs] [keep_change] [label] [send]";
constexpr auto description = "Open channels to many peers with one transaction, all peers in parallel";

/// lightningd grants 30 seconds to `plugin stop`.
constexpr auto shutdown_limit = std::chrono::seconds(20);

/// Whether a lightningd version such as "v25.12rc1-3-gabcdef" is at least year.month; nothing when it does not tell,
/// like that of a build without tags.
std::optional<bool> at_least(std::string_view version, int year, int month) {
  if (version.starts_with('v')) version.remove_prefix(1);
  const char* end = version.data() + version.size();
  int has_year = 0;
  int has_month = 0;
  const auto first = std::from_chars(version.data(), end, has_year);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '.') return std::nullopt;
  if (std::from_chars(first.ptr + 1, end, has_month).ec != std::errc()) return std::nullopt;
  return has_year > year || (has_year == year && has_month >= month);
}

/// What a notification tells: versions of lightningd differ in whether, and how, that is wrapped.
json::Value content(const json::Value& params, std::initializer_list<std::string_view> names) {
  for (const auto name : names) {
    if (const auto inner = params.find(name)) return *inner;
  }
  return params;
}

std::optional<lightningd::NodeId> node_id(const json::Value& object, std::string_view name) {
  const auto hex = object.string(name);
  return hex ? lightningd::NodeId::from_hex(*hex) : std::nullopt;
}

std::string call_own_name(const json::Value& request) {
  json::Writer out;
  out.object().key("replace").object().field("jsonrpc", "2.0").field("method", own_name);
  // As typed: whoever reads it, lightningd and then this plugin, is to see what the builtin would.
  const auto id = request.field("id");
  out.raw_field("id", id ? id->as_typed() : "null");
  const auto params = request.field("params");
  out.raw_field("params", params ? params->as_typed() : "[]");
  // lightningd filters the results of its own commands only; it hands this on to us.
  if (const auto filter = request.find("filter")) out.raw_field("filter", filter->as_typed());
  out.end().end();
  return out.take();
}

}  // namespace

struct App::Impl {
  Impl(util::Transport& stdio, util::Connector& sockets, spark::Runtime& ready_queue, Environment surroundings)
      : connector(sockets),
        runtime(ready_queue),
        environment(std::move(surroundings)),
        plugin(stdio, environment.lightningd_version) {}

  void start();
  void subscribe();
  void add_commands();
  template <class Parse, class Request>
  [[nodiscard]] auto read_by(Parse parse, void (Service::*run)(plugin::Command, Request));
  [[nodiscard]] std::string redirect(const json::Value& request);
  [[nodiscard]] Result<void> init(const Configuration& configuration);
  void shut_down();

  util::Connector& connector;
  spark::Runtime& runtime;
  Environment environment;
  plugin::Plugin plugin;
  context::Settings settings;
  std::string rpc_path;
  std::string network;
  bool leaves_v2_to_builtin = false;
  bool said_so = false;
  std::optional<jsonrpc::Caller> caller;
  std::optional<Service> service;
};

App::App(util::Transport& stdio, util::Connector& connector, spark::Runtime& runtime, Environment environment)
    : impl_(std::make_unique<Impl>(stdio, connector, runtime, std::move(environment))) {}

App::~App() { util::set_log_sink(nullptr); }

void App::start() { impl_->start(); }

void App::Impl::start() {
  util::set_log_sink([this](util::Level level, std::string_view line) { plugin.log(level, line); });
  plugin.set_hooks({
      [this] { add_commands(); },
      [this](const Configuration& configuration) { return init(configuration); },
      [this] { shut_down(); },
      [this](const std::string&) { environment.exit(0); },
  });
  subscribe();
  for (const auto event : announcing::all_events) plugin.announce(announcing::name_of(event));
  add_options(plugin, settings, {environment.files, [this] {
                                   if (service) service->settings_changed();
                                 }});
  plugin.start();
}

void App::Impl::subscribe() {
  plugin.subscribe("block_added", [this](const json::Value& params) {
    const auto height = content(params, {"block_added", "block"}).u64("height");  // "block" before v24.08
    if (service && height) service->block_added(static_cast<std::uint32_t>(*height));
  });
  plugin.subscribe("disconnect", [this](const json::Value& params) {
    const auto peer = node_id(content(params, {"disconnect"}), "id");
    if (service && peer) service->disconnected(*peer);
  });
  plugin.subscribe("channel_state_changed", [this](const json::Value& params) {
    const auto change = content(params, {"channel_state_changed"});
    const auto state = change.string("new_state");
    const auto peer = node_id(change, "peer_id");
    // Only a new channel awaits its lock-in from then on: one that becomes normal may be older than what we know.
    const bool begins = state && lightningd::channel_state_named(*state) == lightningd::ChannelState::awaiting_lockin;
    if (service && peer && begins) service->channel_begun(*peer);
  });
}

/// What is parsed once: `run` gets it, and lightningd's `check` drops it.
template <class Parse, class Request>
auto App::Impl::read_by(Parse parse, void (Service::*run)(plugin::Command, Request)) {
  return [this, parse, run](const json::Value& params) -> Result<plugin::Run> {
    auto request = parse(params);
    if (!request) return request.error();
    return plugin::Run([this, run, request = std::move(*request)](plugin::Command command) mutable {
      ((*service).*run)(std::move(command), std::move(request));
    });
  };
}

// While spenderp runs, registering its command's name could stop the whole node: then the command
// gets a name of its own and calls are redirected to it.
void App::Impl::add_commands() {
  const bool redirected = environment.spenderp_runs();
  const auto parse_main = [this](const json::Value& params) { return request::parse_request(params, network); };
  const auto parse_prepare = [this](const json::Value& params) { return request::parse_prepare(params, network); };
  plugin.add_method({
      redirected ? own_name : builtin_name,
      usage_of_main,
      description,
      read_by(parse_main, &Service::open),
  });
  plugin.add_method({
      "listmultifundchannels",
      "[batch]",
      "Show the batches of multifundchannel since the start, and those from before that are not settled",
      read_by(left::parse_list, &Service::list),
  });
  plugin.add_method({
      "multifundchannel-prepare",
      "psbt destinations [feerate] [minchannels] [commitment_feerate] [peer_timeout] [details] [max_fee] "
      "[max_feerate] [outputs] [change_address] [label]",
      "Secure channels that a PSBT of another wallet pays for, and answer the PSBT to sign",
      read_by(parse_prepare, &Service::open),
  });
  plugin.add_method({
      "multifundchannel-finish",
      "batch [psbt]",
      "Send the transaction of a batch that waits, which another wallet has signed if that pays",
      read_by(left::parse_finish, &Service::finish),
  });
  plugin.add_method({
      "multifundchannel-forget",
      "batch [confirm]",
      "Show what removing the record of an unsettled batch gives up; with confirm=true remove it",
      read_by(left::parse_forget, &Service::forget),
  });
  plugin.add_method({
      "multifundchannel-abort",
      "batch [feerate] [confirm]",
      "Show what giving up a batch that may have been sent takes; with confirm=true make its transaction impossible",
      read_by(left::parse_abort, &Service::abort),
  });
  plugin.add_method({
      "multifundchannel-bump",
      "batch feerate [dryrun] [max_fee]",
      "Pay for the transaction of a batch, which has not confirmed, with its change; with dryrun=true only show how",
      read_by(bump::parse_bump, &Service::bump),
  });
  if (redirected) plugin.redirect(builtin_name, [this](const json::Value& request) { return redirect(request); });
}

std::string App::Impl::redirect(const json::Value& request) {
  if (!leaves_v2_to_builtin) return call_own_name(request);
  if (!std::exchange(said_so, true)) {
    util::info(
        "this node offers dual funding (v2), which this plugin does not know yet: the builtin multifundchannel "
        "goes on serving");
  }
  return R"({"result":"continue"})";
}

Result<void> App::Impl::init(const Configuration& configuration) {
  const auto features = lightningd::Features::from_hex(configuration.init_features);
  if (!features) return util::Error{-1, "init: feature_set.init is not hex", {}};
  leaves_v2_to_builtin = features->offers(lightningd::feature::dual_fund);
  const auto knows_withhold = at_least(configuration.version, 25, 12);
  network = configuration.network;
  const bool tells_pongs_apart = at_least(configuration.version, 25, 9).value_or(true);
  const peers::NodeFacts node{*features, knows_withhold.value_or(false), tells_pongs_apart, network};
  rpc_path = configuration.rpc_path();
  caller.emplace(connector, rpc_path);
  caller->start();
  service.emplace(
      runtime, *caller,
      Service::Surroundings{node, settings, environment.seed, environment.unix_time, environment.files,
                            [this](const char* topic, const std::string& content) { plugin.notify(topic, content); }});
  service->recover(knows_withhold.has_value());
  return {};
}

// `plugin stop` or the end of the node? At the node's end lightningd refuses new connections, and it may
// crash when it is asked to cancel, close or send (its backend is gone already): then all is left to
// the next start.
void App::Impl::shut_down() {
  if (!service) return environment.exit(0);
  connector.connect(rpc_path, [this](const Result<std::unique_ptr<util::Transport>>& connection) {
    if (!connection) {
      service->leave();
      return environment.exit(0);
    }
    service->shut_down(shutdown_limit, [this] { environment.exit(0); });
  });
}

}  // namespace app
