#include "sim/plugin_host.hpp"

#include <algorithm>

#include "json/writer.hpp"
#include "lightningd/codes.hpp"
#include "sim/memory_transport.hpp"
#include "util/str.hpp"

namespace sim {
namespace {

constexpr int plugin_terminated = -4;

std::string request_text(const std::string& id, const std::string& method, const std::string& params) {
  json::Writer writer;
  writer.object().field("jsonrpc", "2.0").raw_field("id", id).field("method", method).raw_field("params", params);
  return writer.end().take() + "\n\n";
}

std::vector<json::Value> elements_of(const json::Value& object, std::string_view member) {
  const auto list = object.find(member);
  return list ? list->elements() : std::vector<json::Value>();
}

std::string name_of(const json::Value& object) {
  const auto name = object.find("name");
  return name ? token_text(*name) : "";
}

}  // namespace

PluginHost::PluginHost(Core& core, std::unique_ptr<util::Transport> transport, Place place, std::function<void()> ready,
                       std::function<void()> gone)
    : core_(core),
      transport_(std::move(transport)),
      place_(std::move(place)),
      ready_(std::move(ready)),
      gone_(std::move(gone)) {
  transport_->start(*this);
  send("\"cln:getmanifest#1\"", "getmanifest", R"({"allow-deprecated-apis":false})",
       Reply([this](util::Result<std::string> result) {
         if (!result) return not_started("getmanifest", result.error());
         const auto document = json::Document::parse(*result, "manifest");
         if (document) manifest(document->root());
       }));
}

PluginHost::~PluginHost() {
  for (auto& [id, reply] : std::exchange(pending_, {}))
    reply.fail(plugin_terminated, "Plugin terminated before replying to RPC call.");
}

void PluginHost::manifest(const json::Value& result) {
  if (!result.find("options")) wrong("the manifest has no options");
  for (const auto& method : elements_of(result, "rpcmethods")) register_method(method);
  for (const auto& hook : elements_of(result, "hooks")) register_hook(hook);
  for (const auto& topic : elements_of(result, "subscriptions")) topics_.insert(token_text(topic));
  for (const auto& topic : elements_of(result, "notifications")) announced_.insert(token_text(*topic.find("method")));
  const auto cancheck = result.find("cancheck");
  can_check_ = cancheck && cancheck->dump() == "true";
  send_init(result);
}

void PluginHost::register_method(const json::Value& method) {
  const std::string name = name_of(method);
  const bool clash = core_.methods.has(name) || (core_.setup.spenderp && name == "multifundchannel");
  if (clash) wrong(util::str("registers ", name, ", which another program has"));
  const bool escapes = method.dump().find("\\u") != std::string::npos;
  if (escapes) wrong(util::str("\\u in the usage of ", name));
  methods_.insert(name);
}

void PluginHost::register_hook(const json::Value& hook) {
  if (name_of(hook) != "rpc_command") return;
  hooks_all_ = !hook.find("filters");
  for (const auto& filter : elements_of(hook, "filters")) filters_.insert(token_text(filter));
}

/// With the options that the setup sets and the defaults of the rest.
void PluginHost::send_init(const json::Value& manifest) {
  json::Writer writer;
  writer.object().key("options").object();
  for (const auto& option : elements_of(manifest, "options")) {
    const std::string name = name_of(option);
    const auto set = core_.setup.options.find(name);
    const auto standard = option.find("default");
    if (set != core_.setup.options.end()) {
      writer.raw_field(name, set->second);
    } else if (standard) {
      writer.raw_field(name, standard->dump());
    }
  }
  writer.end().key("configuration").object().field("lightning-dir", place_.lightning_dir);
  writer.field("rpc-file", place_.rpc_file)
      .field("startup", true)
      .field("network", "regtest")
      .key("feature_set")
      .object();
  writer.field("init", core_.setup.features)
      .field("node", core_.setup.features)
      .field("channel", "")
      .field("invoice", "");
  writer.end().end().end();
  send("\"cln:init#2\"", "init", writer.take(), Reply([this](util::Result<std::string> result) {
         if (!result) return not_started("init", result.error());
         const auto document = json::Document::parse(*result, "init");
         const bool disabled = document && document->root().find("disable");
         if (ready_ && !disabled) ready_();
       }));
}

void PluginHost::not_started(const char* request, const util::Error& error) {
  if (error.code != plugin_terminated) wrong(util::str(request, " failed: ", error.message));
}

void PluginHost::wrong(std::string_view text, Invariant invariant) { core_.monitor.violation(invariant, text); }

bool PluginHost::intercepts(const std::string& method) const { return hooks_all_ || filters_.contains(method); }

/// "<client's id>/cln:<method>#<n>", as lightningd makes it.
std::string PluginHost::next_id(const std::string& raw_id, const std::string& method) {
  std::string prefix = raw_id;
  if (prefix.size() >= 2 && prefix.front() == '"') prefix = prefix.substr(1, prefix.size() - 2);
  if (prefix.find('\\') != std::string::npos) prefix = "weird-id";
  return util::str("\"", prefix, "/cln:", method, "#", next_++, "\"");
}

void PluginHost::forward(const Request& request, Reply reply) {
  send(next_id(request.raw_id, request.method), request.method, request.params, std::move(reply));
}

void PluginHost::ask_hook(const Request& request, Reply reply) {
  json::Writer writer;
  writer.object().key("rpc_command").object().field("jsonrpc", "2.0").raw_field("id", request.raw_id);
  writer.field("method", request.method).raw_field("params", request.params).end().end();
  send(next_id(request.raw_id, "rpc_command"), "rpc_command", writer.take(), std::move(reply));
}

void PluginHost::notify(const std::string& topic, const std::string& payload) {
  if (!topics_.contains(topic)) return;
  json::Writer writer;
  writer.object().field("jsonrpc", "2.0").field("method", topic).key("params").object().raw_field(topic, payload);
  transport_->send(writer.end().end().take() + "\n\n");
}

void PluginHost::send(const std::string& id, const std::string& method, const std::string& params, Reply reply) {
  auto text = request_text(id, method, params);
  const bool starts = method == "getmanifest" || method == "init";
  if (starts || !core_.corruption.is_on()) {
    pending_.emplace(id, std::move(reply));
    ++core_.corruption.asked;
  } else {
    text = core_.corruption.pass(std::move(text));
    expect(text, std::move(reply));
  }
  transport_->send(std::move(text));
}

/// The answer that this text, which may be damaged, must get.
void PluginHost::expect(std::string_view text, Reply reply) {
  const auto message = jsonrpc::Message::parse(text.substr(text.find('{')));
  if (!message || message->is_reply() || message->raw_id().empty() || pending_.contains(message->raw_id()))
    return reply.fail(lightningd::code::generic, "lost on its way");
  ++core_.corruption.asked;
  pending_.emplace(message->raw_id(), std::move(reply));
}

void PluginHost::received(std::string_view bytes) {
  const auto fed = framer_.feed(bytes, [this](std::string_view text) { return dispatch(text); });
  if (!fed) wrong("the plugin wrote no JSON: " + fed.error().message);
}

bool PluginHost::dispatch(std::string_view text) {
  core_.monitor.said(text);
  const auto message = jsonrpc::Message::parse(text);
  // What the hook answers is what the caller typed.
  const bool typed = message && message->raw_id().find("/cln:rpc_command#") != std::string::npos;
  if (const auto strict = json::Document::parse(text, "message"); !strict && !typed && !core_.corruption.is_on())
    wrong("the plugin's message is no JSON: " + strict.error().message);
  if (!message) {
    wrong("the plugin's message is no JSON-RPC: " + message.error().message);
  } else if (message->is_reply()) {
    replied(*message);
  } else {
    notified(*message);
  }
  return true;
}

void PluginHost::replied(const jsonrpc::Message& message) {
  const auto found = pending_.find(message.raw_id());
  if (found == pending_.end()) {
    const bool twice = answered_.contains(message.raw_id());
    wrong(util::str(twice ? "a second reply to " : "a reply to an unknown id: ", message.raw_id()),
          Invariant::one_reply);
    return;
  }
  answered_.insert(message.raw_id());
  ++core_.corruption.answered;
  Reply reply = std::move(found->second);
  pending_.erase(found);
  const auto result = message.result();
  if (!result) return reply.finish(result.error());
  reply.succeed(result->as_typed());
}

void PluginHost::notified(const jsonrpc::Message& message) {
  const auto params = message.params();
  if (message.method() == "log") {
    const auto text = params.string("message");
    if (!text) return wrong("a log line without a message");
    const auto level = params.find("level");
    const auto now = core_.runtime.now().count();
    if (!level || token_text(*level) != "debug") core_.log.push_back({"", std::string(*text)});
    core_.monitor.logged(util::str(now, " ms ", level ? token_text(*level) : "info", " ", *text));
    return;
  }
  if (announced_.contains(message.method())) return announced(message);
  const auto id = params.find("id");
  if (!id) return wrong(util::str("a notification without an id: ", message.method()));
  const auto found = pending_.find(id->dump());
  if (found != pending_.end()) return found->second.notify(message.method(), params.dump());
  wrong(util::str("a ", message.method(), " notification after the reply, or for an unknown id"), Invariant::one_reply);
}

void PluginHost::announced(const jsonrpc::Message& message) {
  const auto params = message.params().dump();
  core_.trace("== ", message.method(), " ", params);
  core_.monitor.announced(message.method(), params);
}

void PluginHost::hear_out() {
  for (const auto& bytes : unread_texts(*transport_)) {
    const auto fed = framer_.feed(bytes, [this](std::string_view text) {
      const auto message = jsonrpc::Message::parse(text);
      if (message && !message->is_reply() && announced_.contains(message->method())) announced(*message);
      return true;
    });
    if (!fed) return;
  }
}

void PluginHost::closed(const std::string&) {
  for (auto& [id, reply] : std::exchange(pending_, {}))
    reply.fail(plugin_terminated, "Plugin terminated before replying to RPC call.");
  if (gone_) gone_();
}

}  // namespace sim
