#include "plugin/plugin.hpp"

#include <utility>

#include "json/writer.hpp"
#include "plugin/contained.hpp"
#include "plugin/one_line.hpp"
#include "util/safe_text.hpp"
#include "util/str.hpp"

namespace plugin {

namespace {

/// Of one log line or error. lightningd v26.06.6 ends in a crash at a line of more than 256 KiB.
constexpr std::size_t longest_line = 8192;

}  // namespace

Plugin::Plugin(util::Transport& transport, std::string lightningd_version)
    : transport_(transport),
      requests_(manifest_, hooks_, std::move(lightningd_version)),
      self_(std::make_shared<Plugin*>(this)) {}

Plugin::~Plugin() = default;

void Plugin::start() { transport_.start(*this); }

void Plugin::log(util::Level level, std::string_view line) {
  json::Writer params;
  params.object().field("level", util::level_name(level));
  const auto text = util::safe_text(one_line(line), longest_line);
  params.field("message", text).end();
  if (!text.empty()) send(jsonrpc::notification_text("log", params.take()));
}

void Plugin::notify(const std::string& topic, const std::string& content) {
  send(jsonrpc::notification_text(topic, json::Writer().object().raw_field(topic, content).end().take()));
}

void Plugin::received(std::string_view bytes) {
  if (gone_) return;
  const auto fed = framer_.feed(bytes, [this](std::string_view text) {
    // What goes wrong with one message must not cost those that were read with it.
    const auto more = contained("a message", [this, text]() -> util::Result<bool> { return dispatch(text); });
    return more ? *more : !gone_;
  });
  if (fed) return;
  util::error("lightningd's messages cannot be told apart any more: ", fed.error().message);
  lose(fed.error().message);
}

void Plugin::closed(const std::string& reason) { lose(reason); }

/// Handles one message; false when lightningd is lost and nothing more is to be read.
bool Plugin::dispatch(std::string_view text) {
  const auto message = jsonrpc::Message::parse(text);
  if (!message) {
    skip(text, message.error());
  } else if (message->is_reply()) {
    util::debug("lightningd answered ", message->raw_id(), ", which was not asked here");
  } else if (message->raw_id().empty() && message->problem()) {
    skip(text, *message->problem());
  } else if (message->raw_id().empty()) {
    notification(*message);
  } else if (message->problem()) {
    reply(message->raw_id(), contained(message->method(), [this, &message] { return requests_.refuse(*message); }));
  } else if (const auto* method = manifest_.method(message->method())) {
    run(*method, *message);
  } else {
    reply(message->raw_id(), contained(message->method(), [this, &message] { return requests_.answer(*message); }));
  }
  return !gone_;
}

void Plugin::run(const Method& method, const jsonrpc::Message& message) {
  Command command(self_, message.raw_id());
  const auto params = message.params();
  if (const auto filter = message.filter()) {
    auto wanted = Filter::parse(*filter);
    if (!wanted) return command.fail(wanted.error());
    command.show_only(std::move(*wanted));
  }
  if (!requests_.initialised())
    return command.fail({-3, util::str(method.name, ": the plugin is not initialised"), {}});

  auto run = contained(method.name, [&method, &params] { return method.parse(params); });
  if (!run) return command.fail(run.error());

  // When it throws, the command goes down with it and answers as a dropped one does.
  const auto ran = contained(method.name, [&run, &command]() -> util::Result<void> {
    (*run)(std::move(command));
    return {};
  });
  static_cast<void>(ran);
}

void Plugin::notification(const jsonrpc::Message& message) {
  const auto handled = contained(message.method(), [this, &message]() -> util::Result<void> {
    if (message.method() == "shutdown") {
      if (hooks_.shutdown) hooks_.shutdown();
    } else if (const auto* handler = manifest_.subscription(message.method())) {
      (*handler)(message.params());
    } else {
      util::debug("notification ", message.method(), " was not subscribed");
    }
    return {};
  });
  static_cast<void>(handled);  // contained() has logged it, and nobody waits for an answer
}

void Plugin::skip(std::string_view text, const util::Error& why) {
  util::error("lightningd sent what cannot be read: ", why.message, ": ", jsonrpc::excerpt(text));
}

/// lightningd is not there any more, or cannot be understood.
void Plugin::lose(const std::string& reason) {
  if (std::exchange(gone_, true) || !hooks_.gone) return;
  const auto told = contained("gone", [this, &reason]() -> util::Result<void> {
    hooks_.gone(reason);
    return {};
  });
  static_cast<void>(told);
}

void Plugin::send(std::string text) {
  if (!gone_) transport_.send(util::Rope(std::move(text)));
}

void Plugin::reply(const std::string& raw_id, const util::Result<std::string>& result) {
  if (result) return send(jsonrpc::reply_text(raw_id, *result));
  // What lightningd and peers wrote has been cleaned where it came in; this is for what the caller wrote.
  auto error = result.error();
  error.message = util::safe_text(error.message, longest_line);
  send(jsonrpc::error_text(raw_id, error));
}

}  // namespace plugin
