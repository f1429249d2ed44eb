#include "plugin/manifest.hpp"

#include <algorithm>
#include <utility>

#include "json/writer.hpp"

namespace plugin {
namespace {

/// Since v25.09 lightningd crashes when a usage holds what JSON must escape as \u.
std::string without_controls(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, ' ');
  return text;
}

void write_option(json::Writer& manifest, const Option& option) {
  manifest.object()
      .field("name", option.name)
      .field("type", name_of(option.type))
      .field("description", option.description);
  if (!option.default_json.empty()) manifest.raw_field("default", option.default_json);
  if (option.dynamic) manifest.field("dynamic", true);
  manifest.end();
}

void write_method(json::Writer& manifest, const Method& method) {
  manifest.object().field("name", method.name).field("usage", without_controls(method.usage));
  manifest.field("description", method.description).field("category", "channels").end();
}

template <class Map>
const typename Map::mapped_type* find(const Map& map, std::string_view name) {
  const auto found = map.find(name);
  return found == map.end() ? nullptr : &found->second;
}

}  // namespace

void Manifest::add(Method method) { methods_.insert_or_assign(method.name, std::move(method)); }

void Manifest::add(Option option) { options_.insert_or_assign(option.name, std::move(option)); }

void Manifest::subscribe(std::string topic, Handler handler) {
  subscriptions_.insert_or_assign(std::move(topic), std::move(handler));
}

void Manifest::redirect(std::string method, Decide decide) {
  redirected_ = std::move(method);
  decide_ = std::move(decide);
}

const Method* Manifest::method(std::string_view name) const { return find(methods_, name); }

const Option* Manifest::option(std::string_view name) const { return find(options_, name); }

const Manifest::Handler* Manifest::subscription(std::string_view topic) const { return find(subscriptions_, topic); }

const Manifest::Decide* Manifest::redirection(std::string_view method) const {
  return !redirected_.empty() && method == redirected_ ? &decide_ : nullptr;
}

std::string Manifest::json() const {
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
  if (!redirected_.empty()) {
    manifest.key("hooks").array().object().field("name", "rpc_command");
    manifest.key("filters").array().value(redirected_).end().end().end();
  }
  manifest.key("notifications").array();
  for (const auto& topic : topics_) manifest.object().field("method", topic).end();
  manifest.end();
  return manifest.field("nonnumericids", true).field("dynamic", true).field("cancheck", true).end().take();
}

}  // namespace plugin
