#include "plugin/requests.hpp"

#include <utility>

#include "json/writer.hpp"
#include "plugin/contained.hpp"
#include "util/safe_text.hpp"
#include "util/str.hpp"

namespace plugin {
namespace {

/// Of a name that an error repeats.
constexpr std::size_t longest_name = 100;

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
    if (elements.empty())
      return util::Error{util::code::invalid_params, "missing required parameter: command_to_check", {}};
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

util::Result<std::string> Requests::answer(const jsonrpc::Message& message) {
  const auto params = message.params();
  if (message.method() == "rpc_command") return rpc_command(params);
  if (message.method() == "getmanifest") return getmanifest();
  if (message.method() == "init") return init(params);
  if (message.method() == "check") return check(params);
  if (message.method() == "setconfig") {
    if (const auto set = setconfig(params, false); !set) return set.error();
    return std::string("{}");
  }
  return util::Error{
      util::code::unknown_method, util::str("unknown method ", util::shortened(message.method(), longest_name)), {}};
}

/// A caller's parameters are lightningd's to judge, but it lets through what nobody can read (nesting without end).
util::Result<std::string> Requests::refuse(const jsonrpc::Message& message) {
  const auto& why = message.problem()->message;
  util::warn(jsonrpc::excerpt(message.method()), " ", jsonrpc::excerpt(message.raw_id()), ": ", why);
  if (message.method() == "rpc_command") return std::string(go_on);
  if (message.method() == "getmanifest") return getmanifest();
  if (message.method() == "init") return json::Writer().object().field("disable", why).end().take();
  return util::Error{util::code::invalid_params, why, {}};
}

std::string Requests::getmanifest() {
  if (hooks_.before_manifest) hooks_.before_manifest();
  return manifest_.json();
}

util::Result<std::string> Requests::init(const json::Value& params) {
  const auto configured = contained("init", [this, &params] { return configure(params); });
  json::Writer result;
  result.object();
  if (!configured) result.field("disable", configured.error().message);
  initialised_ = configured.ok();
  return result.end().take();
}

util::Result<void> Requests::configure(const json::Value& params) {
  const auto configuration = parse_configuration(params, version_);
  if (!configuration) return configuration.error();
  const auto given = params.find("options");
  for (const auto& [name, option] : manifest_.options()) {
    const auto value = given ? given->find(name) : std::nullopt;
    if (!value) continue;
    const auto typed = option_value(option, value);
    if (!typed) return typed.error();
    if (const auto set = option.set(typed->root()); !set) return set.error();
  }
  return hooks_.init ? hooks_.init(*configuration) : util::Result<void>();
}

util::Result<std::string> Requests::check(const json::Value& params) {
  const auto request = parse_check(params);
  if (!request) return request.error();
  const auto& [command, rest] = *request;

  util::Result<void> passed = util::Error{
      util::code::unknown_method, util::str("unknown command ", util::shortened(command, longest_name)), {}};
  if (const auto* method = manifest_.method(command)) {
    const auto parsed = method->parse(rest.root());
    passed = parsed ? util::Result<void>() : util::Result<void>(parsed.error());
  } else if (command == "setconfig") {
    passed = setconfig(rest.root(), true);
  }
  if (!passed) return passed.error();
  json::Writer result;
  return result.object().field("command_to_check", command).end().take();
}

util::Result<void> Requests::setconfig(const json::Value& params, bool check_only) {
  const auto name = params.string("config");
  if (!name) return name.error();
  const auto* option = manifest_.option(*name);
  if (option == nullptr)
    return util::Error{
        util::code::invalid_params, util::str("unknown option ", util::shortened(*name, longest_name)), {}};
  if (!option->dynamic)
    return util::Error{util::code::invalid_params, util::str(*name, " cannot be changed at run time"), {}};

  const auto value = option_value(*option, params.find("val"));
  if (!value) return value.error();
  return check_only ? util::Result<void>() : option->set(value->root());
}

/// The result of the rpc_command hook. lightningd stops the whole node when a hook's reply has no
/// result, so whatever goes wrong here lets the command through.
std::string Requests::rpc_command(const json::Value& params) {
  // Before v25.12 the filter is not known there, and every command of the node comes through here.
  const auto request = params.find("rpc_command");
  const auto method = request ? request->find("method") : std::nullopt;
  const auto name = method ? method->string() : util::Result<std::string_view>(std::string_view());
  const auto* decide = name ? manifest_.redirection(*name) : nullptr;
  if (decide == nullptr) return std::string(go_on);

  const auto decided =
      contained("rpc_command", [decide, &request] { return util::Result<std::string>((*decide)(*request)); });
  if (!decided) return std::string(go_on);
  const auto valid = json::Document::read(*decided, "rpc_command");
  if (valid && valid->root().is_object()) return *decided;
  util::error("rpc_command: the decision is no JSON object: ", *decided);
  return std::string(go_on);
}

}  // namespace plugin
