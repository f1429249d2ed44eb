#include <algorithm>
#include <string>
#include <utility>

#include "json/writer.hpp"
#include "plugin/contained.hpp"
#include "plugin/option.hpp"
#include "plugin/plugin.hpp"
#include "util/safe_text.hpp"
#include "util/str.hpp"

// What lightningd asks of every plugin: doc/developers-guide/plugin-development of its repository.
namespace plugin {
namespace {

constexpr int unknown_method = -32601;
constexpr int invalid_params = -32602;

/// Of a name that an error repeats.
constexpr std::size_t longest_name = 100;

/// Since v25.09 lightningd crashes when a usage holds what JSON must escape as \u.
std::string without_controls(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return text;
}

void write_option(json::Writer& manifest, const Option& option) {
  manifest.object().field("name", option.name).field("type", option.type).field("description", option.description);
  if (!option.default_json.empty()) manifest.raw_field("default", option.default_json);
  if (option.dynamic) manifest.field("dynamic", true);
  manifest.end();
}

void write_method(json::Writer& manifest, const Method& method) {
  manifest.object().field("name", method.name).field("usage", without_controls(method.usage));
  manifest.field("description", method.description).field("category", "channels").end();
}

/// The parameters of a `check` request: the command it asks about, and that command's parameters.
struct Checked {
  std::string command;
  json::Document params;
};

util::Result<Checked> checked(std::string_view command, std::string_view params_json) {
  auto params = json::Document::read(params_json, "params");
  if (!params) return params.error();
  return Checked{std::string(command), std::move(*params)};
}

util::Result<Checked> parse_check(const json::Value& params) {
  json::Writer rest;
  if (params.is_array()) {
    const auto elements = params.elements();
    if (elements.empty()) return util::Error{invalid_params, "missing required parameter: command_to_check", {}};
    const auto command = elements.front().string();
    if (!command) return command.error();
    rest.array();
    for (std::size_t i = 1; i < elements.size(); ++i) rest.raw(elements[i].as_typed());
    return checked(*command, rest.end().take());
  }
  const auto command = params.string("command_to_check");
  if (!command) return command.error();
  rest.object();
  for (const auto& [name, value] : params.members()) {
    if (name != "command_to_check") rest.raw_field(name, value.as_typed());
  }
  return checked(*command, rest.end().take());
}

util::Result<Configuration> parse_configuration(const json::Value& params, const std::string& version) {
  const auto given = params.field("configuration");
  if (!given) return given.error();
  const auto lightning_dir = given->string("lightning-dir");
  if (!lightning_dir) return lightning_dir.error();
  const auto rpc_file = given->string("rpc-file");
  if (!rpc_file) return rpc_file.error();
  const auto startup = given->boolean("startup");
  if (!startup) return startup.error();
  const auto network = given->string("network");
  if (!network) return network.error();

  Configuration configuration{
      std::string(*lightning_dir), std::string(*rpc_file), *startup, std::string(*network), {}, version};
  const auto features = given->find("feature_set");
  if (const auto init = features ? features->find("init") : std::nullopt) {
    const auto hex = init->string();
    if (!hex) return hex.error();
    configuration.init_features = *hex;
  }
  return configuration;
}

constexpr std::string_view go_on = R"({"result":"continue"})";

}  // namespace

util::Result<std::string> Plugin::answer(const jsonrpc::Message& message) {
  const auto params = message.params();
  if (message.method() == "rpc_command") return rpc_command(params);
  if (message.method() == "getmanifest") return getmanifest();
  if (message.method() == "init") return init(params);
  if (message.method() == "check") return check(params);
  if (message.method() == "setconfig") {
    if (const auto set = setconfig(params, false); !set) return set.error();
    return std::string("{}");
  }
  return util::Error{unknown_method, util::str("unknown method ", util::shortened(message.method(), longest_name)), {}};
}

/// A caller's parameters are lightningd's to judge, but it lets through what nobody can read (nesting without end).
util::Result<std::string> Plugin::refuse(const jsonrpc::Message& message) {
  const auto& why = message.problem()->message;
  util::warn(jsonrpc::excerpt(message.method()), " ", jsonrpc::excerpt(message.raw_id()), ": ", why);
  if (message.method() == "rpc_command") return std::string(go_on);
  if (message.method() == "getmanifest") return getmanifest();
  if (message.method() == "init") return json::Writer().object().field("disable", why).end().take();
  return util::Error{invalid_params, why, {}};
}

util::Result<std::string> Plugin::getmanifest() {
  if (hooks_.before_manifest) hooks_.before_manifest();

  json::Writer manifest;
  manifest.object();
  manifest.key("options").array();
  for (const auto& [name, option] : options_) write_option(manifest, option);
  manifest.end();
  manifest.key("rpcmethods").array();
  for (const auto& [name, method] : methods_) write_method(manifest, method);
  manifest.end();
  manifest.key("subscriptions").array().value("shutdown");
  for (const auto& [topic, handler] : subscriptions_) manifest.value(topic);
  manifest.end();
  if (!redirect_filter_.empty()) {
    manifest.key("hooks").array().object().field("name", "rpc_command");
    manifest.key("filters").array().value(redirect_filter_).end().end().end();
  }
  manifest.key("notifications").array().end();
  return manifest.field("nonnumericids", true).field("dynamic", true).field("cancheck", true).end().take();
}

util::Result<std::string> Plugin::init(const json::Value& params) {
  const auto configured = contained("init", [this, &params] { return configure(params); });
  json::Writer result;
  result.object();
  if (!configured) result.field("disable", configured.error().message);
  initialised_ = configured.ok();
  return result.end().take();
}

util::Result<void> Plugin::configure(const json::Value& params) {
  const auto configuration = parse_configuration(params, version_);
  if (!configuration) return configuration.error();
  const auto given = params.find("options");
  for (const auto& [name, option] : options_) {
    const auto value = given ? given->find(name) : std::nullopt;
    if (!value) continue;
    const auto typed = option_value(option, value);
    if (!typed) return typed.error();
    if (const auto set = option.set(typed->root()); !set) return set.error();
  }
  return hooks_.init ? hooks_.init(*configuration) : util::Result<void>();
}

util::Result<std::string> Plugin::check(const json::Value& params) {
  const auto request = parse_check(params);
  if (!request) return request.error();
  const auto& [command, rest] = *request;

  util::Result<void> passed =
      util::Error{unknown_method, util::str("unknown command ", util::shortened(command, longest_name)), {}};
  if (const auto method = methods_.find(command); method != methods_.end()) {
    passed = method->second.check(rest.root());
  } else if (command == "setconfig") {
    passed = setconfig(rest.root(), true);
  }
  if (!passed) return passed.error();
  json::Writer result;
  return result.object().field("command_to_check", command).end().take();
}

util::Result<void> Plugin::setconfig(const json::Value& params, bool check_only) {
  const auto name = params.string("config");
  if (!name) return name.error();
  const auto found = options_.find(*name);
  if (found == options_.end())
    return util::Error{invalid_params, util::str("unknown option ", util::shortened(*name, longest_name)), {}};
  const auto& option = found->second;
  if (!option.dynamic) return util::Error{invalid_params, util::str(*name, " cannot be changed at run time"), {}};

  const auto value = option_value(option, params.find("val"));
  if (!value) return value.error();
  return check_only ? util::Result<void>() : option.set(value->root());
}

/// The result of the rpc_command hook. lightningd stops the whole node when a hook's reply has no
/// result, so whatever goes wrong here lets the command through.
std::string Plugin::rpc_command(const json::Value& params) {
  // Before v25.12 the filter is not known there, and every command of the node comes through here.
  const auto request = params.find("rpc_command");
  const auto method = request ? request->find("method") : std::nullopt;
  const auto name = method ? method->string() : util::Result<std::string_view>(std::string_view());
  if (!name || redirect_filter_.empty() || *name != redirect_filter_) return std::string(go_on);

  const auto decided =
      contained("rpc_command", [this, &request] { return util::Result<std::string>(redirect_decide_(*request)); });
  if (!decided) return std::string(go_on);
  const auto valid = json::Document::read(*decided, "rpc_command");
  if (valid && valid->root().is_object()) return *decided;
  util::error("rpc_command: the decision is no JSON object: ", *decided);
  return std::string(go_on);
}

}  // namespace plugin
