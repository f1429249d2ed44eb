#include "jsonrpc/caller.hpp"

#include <charconv>
#include <optional>
#include <utility>

#include "json/utf8.hpp"
#include "json/value.hpp"
#include "util/log.hpp"
#include "util/str.hpp"

namespace jsonrpc {
namespace {

/// Whether it can be the text of an id that others read strictly.
bool is_strict(std::string_view id) { return json::is_utf8(id) && json::Document::parse(id, "id").ok(); }

/// "<origin>/multifundchannel:<method>#<n>" as JSON text. An origin that is a JSON string is
/// continued as it is, escapes and all. One that would make no JSON of it is left out: whoever typed it may have typed
/// anything, and the number alone tells the calls apart.
std::string make_id(std::string_view origin, std::string_view method, std::uint64_t number) {
  if (origin.size() >= 2 && origin.front() == '"') origin = origin.substr(1, origin.size() - 2);
  const auto own = util::str("multifundchannel:", method, '#', number, '"');
  const auto id = util::str('"', origin, '/', own);
  return origin.empty() || !is_strict(id) ? '"' + own : id;
}

/// The n of an id that make_id made.
std::optional<std::uint64_t> number_of(std::string_view raw_id) {
  const auto hash = raw_id.rfind('#');
  if (hash == std::string_view::npos || raw_id.back() != '"') return std::nullopt;
  const auto digits = raw_id.substr(hash + 1, raw_id.size() - hash - 2);
  std::uint64_t number = 0;
  const auto [rest, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || rest != digits.data() + digits.size()) return std::nullopt;
  return number;
}

}  // namespace

Caller::Caller(util::Connector& connector, std::string path)
    : connector_(connector), path_(std::move(path)), alive_(std::make_shared<bool>(true)) {}

Caller::~Caller() { *alive_ = false; }

void Caller::start() {
  if (!transport_ && !connecting_) connect();
}

void Caller::call(std::string_view origin, std::string_view method, util::Rope params, OnReply then,
                  std::string_view filter) {
  const std::uint64_t number = next_++;
  util::Rope text(util::str(R"({"jsonrpc":"2.0","id":)", make_id(origin, method, number), R"(,"method":")", method,
                            R"(","params":)"));
  for (const auto& piece : params.pieces()) text.add(piece);
  if (!filter.empty()) text.add(util::str(R"(,"filter":)", filter));
  text.add("}\n\n");
  unsent_.push_back(Request{number, std::move(text), std::string(method), std::move(then)});
  if (transport_) {
    pump();
  } else {
    start();
  }
}

void Caller::connect() {
  connecting_ = true;
  connector_.connect(path_, [this, alive = alive_](util::Result<std::unique_ptr<util::Transport>> transport) {
    if (*alive) connected(std::move(transport));
  });
}

void Caller::connected(util::Result<std::unique_ptr<util::Transport>> transport) {
  connecting_ = false;
  if (!transport.ok()) {
    const auto reason = util::str("cannot connect to ", path_, ": ", transport.error().message);
    util::warn(reason);
    fail_all(reason, reason);
    return;
  }
  transport_ = std::move(*transport);
  framer_ = std::make_unique<Framer>();
  transport_->start(*this);
  pump();
}

/// Gives the transport what fits into the window. The rest waits here, where a loss does not leave
/// it in doubt. A request larger than the window goes alone.
void Caller::pump() {
  while (!unsent_.empty()) {
    auto& next = unsent_.front();
    const std::size_t pending = transport_->pending();
    if (pending > 0 && pending + next.text.size() > window) return;
    pending_.emplace(next.number, Pending{std::move(next.method), std::move(next.then)});
    auto text = std::move(next.text);
    unsent_.pop_front();
    transport_->send(std::move(text));
  }
}

void Caller::drained() { pump(); }

void Caller::received(std::string_view bytes) {
  const auto alive = alive_;
  const auto fed = framer_->feed(bytes, [this](std::string_view text) { return dispatch(text); });
  if (*alive && !fed.ok()) closed(fed.error().message);
}

/// Hands one reply to its call. False when the framer is gone: a callback destroyed us, or the
/// connection was given up.
bool Caller::dispatch(std::string_view text) {
  const auto message = Message::parse(text);
  if (!message.ok()) {
    // Whose reply it was cannot be known; the other calls are not to suffer for it.
    util::warn("lightningd sent what cannot be read: ", message.error().message, ": ", excerpt(text));
    return true;
  }
  const auto number = number_of(message->raw_id());
  const auto found = number && message->is_reply() ? pending_.find(*number) : pending_.end();
  if (found == pending_.end()) {
    util::debug("lightningd sent something that nobody waits for: id ", message->raw_id(), " method ",
                message->method());
    return true;
  }
  const auto alive = alive_;
  {
    // The callback may hold this caller, and goes before anybody asks whether it still lives.
    auto call = std::move(pending_.extract(found).mapped());
    // lightningd's own words are JSON. What it did not say is not guessed at: channels may depend on it.
    if (const auto problem = message->flaw()) {
      util::warn("the reply to ", message->raw_id(), " cannot be read: ", problem->message);
      call.then(util::Error{unreadable, util::str(call.method, ": unexpected reply: ", problem->message), {}});
    } else {
      call.then(message->result());
    }
  }
  return *alive;
}

void Caller::closed(const std::string& reason) {
  util::warn("connection to lightningd lost: ", reason);
  const auto sent = util::str("connection to lightningd lost, it may or may not have been carried out: ", reason);
  const auto queued = util::str("connection to lightningd lost before it was sent: ", reason);
  transport_.reset();  // the reason may have been the transport's
  framer_.reset();
  fail_all(sent, queued);
}

/// Fails every call there is now; calls that the callbacks make are new ones and connect again.
void Caller::fail_all(const std::string& sent, const std::string& queued) {
  const auto alive = alive_;
  auto in_doubt = std::exchange(pending_, {});
  auto waiting = std::exchange(unsent_, {});
  for (auto& [number, call] : in_doubt) {
    std::exchange(call.then, nullptr)(util::Error{lost, util::str(call.method, ": ", sent), {}});
    if (!*alive) return;
  }
  for (auto& call : waiting) {
    std::exchange(call.then, nullptr)(util::Error{unsent, util::str(call.method, ": ", queued), {}});
    if (!*alive) return;
  }
}

}  // namespace jsonrpc
