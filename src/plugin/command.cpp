#include "plugin/command.hpp"

#include <algorithm>
#include <utility>

#include "json/writer.hpp"
#include "plugin/one_line.hpp"
#include "plugin/plugin.hpp"
#include "util/safe_text.hpp"

namespace plugin {

Command::Command(std::weak_ptr<Plugin*> plugin, std::string raw_id)
    : plugin_(std::move(plugin)), raw_id_(std::move(raw_id)) {}

// The command that was moved from has no plugin left to answer through.
Command::Command(Command&&) noexcept = default;

Command& Command::operator=(Command&& other) noexcept {
  const Command replaced(std::move(*this));  // answers as a dropped one, unless it has answered
  plugin_ = std::move(other.plugin_);
  raw_id_ = std::move(other.raw_id_);
  filter_ = std::move(other.filter_);
  answered_ = other.answered_;
  return *this;
}

Command::~Command() {
  if (!answered_) fail(util::Error{-1, "internal error: the command was dropped without an answer", {}});
}

void Command::succeed(std::string_view result_json) {
  answer(filter_ ? filter_->apply(result_json) : std::string(result_json));
}

void Command::fail(const util::Error& error) { answer(error); }

void Command::answer(const util::Result<std::string>& result) {
  if (std::exchange(answered_, true)) return util::debug("a second answer to ", raw_id_, " was dropped");
  if (const auto plugin = plugin_.lock()) (*plugin)->reply(raw_id_, result);
}

void Command::message(util::Level level, std::string_view text) {
  const auto line = util::safe_text(one_line(text));
  json::Writer params;
  params.object().raw_field("id", raw_id_).field("level", util::level_name(level)).field("message", line).end();
  if (!line.empty()) notify("message", params.take());
}

void Command::progress(std::size_t num, std::size_t total, std::size_t stage, std::size_t stages) {
  total = std::max<std::size_t>(total, 2);
  json::Writer params;
  params.object().raw_field("id", raw_id_).field("num", std::min(num, total - 1)).field("total", total);
  if (stages > 1) {
    params.key("stage").object().field("num", std::min(stage, stages - 1)).field("total", stages).end();
  }
  notify("progress", params.end().take());
}

void Command::notify(std::string_view method, std::string_view params_json) {
  // v23.08 kills a plugin that notifies about a request it has answered.
  if (answered_) return;
  if (const auto plugin = plugin_.lock()) (*plugin)->send(jsonrpc::notification_text(method, params_json));
}

}  // namespace plugin
