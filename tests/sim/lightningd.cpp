#include "sim/lightningd.hpp"

#include "json/writer.hpp"
#include "lightningd/codes.hpp"
#include "sim/rpc_connection.hpp"
#include "util/str.hpp"

namespace sim {
namespace {

namespace code = lightningd::code;

/// Commands of the builtin plugin spenderp that matter here.
bool is_builtin(const std::string& method) { return method == "multifundchannel" || method == "fundchannel"; }

}  // namespace

Lightningd::Lightningd(spark::Runtime& runtime, Setup setup) : node_(runtime, std::move(setup)) {
  node_.core().publish = [this](const std::string& topic, const std::string& payload) {
    if (plugin_) plugin_->notify(topic, payload);
  };
}

Lightningd::~Lightningd() = default;

void Lightningd::start_plugin(std::unique_ptr<util::Transport> transport, PluginHost::Place place,
                              std::function<void()> ready, std::function<void()> gone) {
  plugin_ = std::make_unique<PluginHost>(node_.core(), std::move(transport), std::move(place), std::move(ready),
                                         std::move(gone));
}

void Lightningd::drop_plugin() {
  node_.core().monitor.plugin_ends();
  plugin_.reset();
}

void Lightningd::plugin_dies() {
  if (plugin_) plugin_->hear_out();
  for (const auto& connection : connections_) connection->client_dies();
}

void Lightningd::kill() {
  node_.kill();
  drop_plugin();
  connections_.clear();
}

void Lightningd::announce_shutdown() {
  if (plugin_) plugin_->notify("shutdown", "{}");
}

void Lightningd::accept(std::unique_ptr<util::Transport> transport) {
  connections_.push_back(std::make_unique<RpcConnection>(*this, std::move(transport)));
}

void Lightningd::forget(RpcConnection& connection) {
  connections_.remove_if([&connection](const auto& other) { return other.get() == &connection; });
}

bool Lightningd::knows(const std::string& method) const {
  if (node_.has(method) || method == "check" || method == "setconfig") return true;
  if (plugin_ && plugin_->owns(method)) return true;
  return node_.core().setup.spenderp && is_builtin(method);
}

void Lightningd::handle(Request request, Reply reply) {
  if (!node_.core().running) return reply.fail(code::generic, "lightningd is not running");
  if (!knows(request.method)) {
    return reply.fail(code::method_not_found, util::str("Unknown command '", request.method, "'"));
  }
  if (!plugin_ || !plugin_->intercepts(request.method)) return execute(request, std::move(reply));
  auto decided = [this, request, reply = std::move(reply)](util::Result<std::string> result) mutable {
    if (!result) return reply.finish(result.error());
    redirect(request, *result, std::move(reply));
  };
  plugin_->ask_hook(request, Reply(std::move(decided)));
}

/// What the rpc_command hook answered: continue, or another request in its place.
void Lightningd::redirect(const Request& request, const std::string& hook_result, Reply reply) {
  const auto document = json::Document::read(hook_result, "hook");
  if (!document) return reply.fail(code::generic, document.error().message);
  const auto result = document->root().find("result");
  if (result && token_text(*result) == "continue") return execute(request, std::move(reply));
  const auto replace = document->root().find("replace");
  const auto complete =
      replace && replace->find("jsonrpc") && replace->find("method") && replace->find("params") && replace->field("id");
  if (!complete || !knows(token_text(*replace->find("method")))) {
    node_.core().monitor.violation(Invariant::never_crashes, "bad answer to the rpc_command hook: " + hook_result);
    return reply.fail(code::invalid_request, "Bad response to 'rpc_command' hook");
  }
  Request other{replace->field("id")->as_typed(), token_text(*replace->find("method")),
                replace->find("params")->as_typed()};
  execute(other, std::move(reply));
}

void Lightningd::execute(const Request& request, Reply reply) {
  if (request.method == "check") return check(request, std::move(reply));
  // All options that are simulated are the plugin's.
  if (request.method == "setconfig" && plugin_) return plugin_->forward(request, std::move(reply));
  if (plugin_ && plugin_->owns(request.method)) return plugin_->forward(request, std::move(reply));
  if (node_.has(request.method)) {
    const auto params = json::Document::read(request.params, "params");
    if (!params) return reply.fail(code::invalid_request, params.error().message);
    node_.core().asked = {std::string(request.origin()), request.arrived};
    return node_.call(request.method, params->root(), request.filter, std::move(reply));
  }
  if (request.method == "fundchannel") return fundchannel(request, std::move(reply));
  reply.fail(code::generic, util::str("the builtin ", request.method, " is not simulated"));
}

void Lightningd::check(const Request& request, Reply reply) {
  const auto params = json::Document::read(request.params, "params");
  const auto first = params && params->root().size() > 0 ? params->root().elements() : std::vector<json::Value>();
  const auto named = params ? params->root().find("command_to_check") : std::nullopt;
  if (!named && first.empty()) return reply.fail(code::invalid_params, "missing required parameter: command_to_check");
  const std::string command = token_text(named ? *named : first[0]);
  if (!knows(command)) return reply.fail(code::invalid_params, util::str("Unknown command '", command, "'"));
  if (plugin_ && plugin_->owns(command) && plugin_->can_check()) return plugin_->forward(request, std::move(reply));
  // Of lightningd's own, the node judges those two that the plugin has checked.
  if (named && (command == "connect" || command == "fundchannel_start")) {
    return node_.call(request.method, params->root(), request.filter, std::move(reply));
  }
  reply.succeed(json::Writer().object().field("command_to_check", command).end().take());
}

/// The builtin fundchannel: a call of multifundchannel, whose answer it must be able to read.
void Lightningd::fundchannel(const Request& request, Reply reply) {
  static const ParamNames names(
      "id amount [feerate] [announce] [minconf] [utxos] [push_msat] [close_to] [request_amt] "
      "[compact_lease] [reserve] [mindepth] [channel_type]");
  const auto document = json::Document::read(request.params, "params");
  if (!document) return reply.fail(code::invalid_request, document.error().message);
  const Params params(names, document->root());
  if (params.error()) return reply.finish(*params.error());

  json::Writer writer;
  writer.object().key("destinations").array().object();
  for (const auto* name :
       {"id", "amount", "announce", "push_msat", "close_to", "reserve", "mindepth", "channel_type"}) {
    if (const auto value = params.find(name)) writer.raw_field(name, value->dump());
  }
  writer.end().end();
  for (const auto* name : {"feerate", "minconf", "utxos"}) {
    if (const auto value = params.find(name)) writer.raw_field(name, value->dump());
  }
  writer.end();
  auto answered = [this, reply = std::move(reply)](util::Result<std::string> result) mutable {
    if (result) check_builtin_result(*result);
    reply.finish(std::move(result));
  };
  handle({request.raw_id, "multifundchannel", writer.take()}, Reply(std::move(answered)));
}

/// The builtin stops the node when it cannot read the answer.
void Lightningd::check_builtin_result(const std::string& result) {
  const auto document = json::Document::parse(result, "result");
  if (!document) return;
  const auto root = document->root();
  const auto channels = root.find("channel_ids");
  const auto elements = channels ? channels->elements() : std::vector<json::Value>();
  const bool readable = root.find("tx") && root.find("txid") && !elements.empty() && elements[0].find("channel_id") &&
                        elements[0].find("outnum") && elements[0].find("channel_type");
  if (!readable)
    node_.core().monitor.violation(Invariant::never_crashes,
                                   "the builtin fundchannel would stop the node: " + root.excerpt(300));
}

}  // namespace sim
