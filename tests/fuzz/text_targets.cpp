// What arrives as text: framing, JSON, parameters.

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <vector>

#include "bump/bump_params.hpp"
#include "fuzz/targets.hpp"
#include "json/value.hpp"
#include "json/writer.hpp"
#include "jsonrpc/framer.hpp"
#include "jsonrpc/message.hpp"
#include "jsonrpc/safe_error.hpp"
#include "left/batch_params.hpp"
#include "params/amount.hpp"
#include "request/request.hpp"
#include "request/share.hpp"
#include "request/written_destinations.hpp"

namespace fuzz {

namespace {

constexpr std::size_t limit = 4'096;  // of a message, so that inputs get there

struct Cut {
  std::vector<std::string> texts;
  bool fine = true;
};

Cut cut(std::string_view bytes, std::size_t piece) {
  Cut result;
  jsonrpc::Framer framer(limit);
  for (std::size_t at = 0; at < bytes.size() && result.fine; at += piece) {
    result.fine = framer
                      .feed(bytes.substr(at, piece),
                            [&result](std::string_view text) {
                              result.texts.emplace_back(text);
                              return true;
                            })
                      .ok();
  }
  return result;
}

bool is_object(const std::string& text) { return text.starts_with('{'); }

/// Reading a text that the writer has made gives the same text again. A name is what stands between its quotes, so that
/// a backslash in one becomes two.
void check_same_again(const json::Document& document, const char* what) {
  const auto text = document.root().dump();
  const auto again = json::Document::read(text, "again");
  require(again.ok(), what);
  require(again->root().dump() == text || text.find('\\') != std::string::npos, what);
}

/// An error that a user sees: one line, which a JSON text can hold.
template <class T>
void check_error(const util::Result<T>& result) {
  if (result.ok()) return;
  const auto& message = result.error().message;
  require(!message.empty(), "an error has a message");
  const auto shown = jsonrpc::error_text("1", result.error());
  require(jsonrpc::Message::parse(shown).ok(), "an error can be answered");
  require(std::find(shown.begin(), shown.end(), '\0') == shown.end(), "an error has no zero byte");
}

void check_values(const json::Value& value) {
  check_error(params::parse_sat(value));
  check_error(params::parse_msat(value));
  const auto share = request::parse_amount_or_share(value);
  check_error(share);
}

}  // namespace

void frames(std::string_view bytes) {
  if (bytes.empty()) return;
  const auto piece = static_cast<std::size_t>(static_cast<unsigned char>(bytes[0])) % 17 + 1;
  bytes.remove_prefix(1);
  const auto whole = cut(bytes, std::max<std::size_t>(bytes.size(), 1)), pieces = cut(bytes, piece);
  require(whole.fine == pieces.fine, "pieces do not matter for whether there is a limit");
  // Of garbage the beginning is told, which depends on how it comes.
  std::vector<std::string> some, others;
  std::copy_if(whole.texts.begin(), whole.texts.end(), std::back_inserter(some), is_object);
  std::copy_if(pieces.texts.begin(), pieces.texts.end(), std::back_inserter(others), is_object);
  require(some == others, "pieces do not matter for what is found");
  for (const auto& text : some) require(text.size() <= limit, "a message is within the limit");
}

void message(std::string_view bytes) {
  const auto parsed = jsonrpc::Message::parse(bytes);
  check_error(parsed);
  if (!parsed) return;
  (void)parsed->flaw();
  if (parsed->is_reply()) {
    (void)parsed->result();
    return;
  }
  const auto params = parsed->params();
  (void)parsed->filter();
  (void)params.dump();
  if (parsed->raw_id().empty()) return;
  const auto answer = jsonrpc::Message::parse(jsonrpc::reply_text(parsed->raw_id(), "{}"));
  require(answer.ok() && answer->raw_id() == parsed->raw_id(), "an answer has the id of its request");
}

void json_strict(std::string_view bytes) {
  const auto document = json::Document::parse(bytes, "text");
  check_error(document);
  if (document) check_same_again(*document, "JSON that is written is read as the same");
}

void json_lenient(std::string_view bytes) {
  const auto document = json::Document::read(bytes, "text");
  check_error(document);
  if (!document) return;
  check_same_again(*document, "what is read leniently is written as JSON");
}

void parameters(std::string_view bytes) {
  const auto document = json::Document::read(bytes, "params");
  if (!document) return;
  const auto params = document->root();
  for (const auto* network : {"bitcoin", "regtest"}) {
    const auto request = request::parse_request(params, network);
    check_error(request);
    if (request) {
      require(!request->destinations.empty(), "a request has destinations");
      require(request->minchannels <= request->destinations.size(), "no more channels are asked for than there are");
    }
    check_error(request::parse_prepare(params, network));
  }
  check_error(left::parse_list(params));
  check_error(left::parse_finish(params));
  check_error(left::parse_forget(params));
  check_error(left::parse_abort(params));
  check_error(bump::parse_bump(params));
}

void written(std::string_view bytes) {
  const auto text = json::Document::parse(json::Writer().value(bytes).take(), "destinations");
  if (!text) return;
  const auto destinations = request::read_destinations(text->root());
  check_error(destinations);
  check_error(request::read_destination(text->root()));
  if (destinations) require(!destinations->empty(), "a text of destinations has one");
}

void amounts(std::string_view bytes) {
  const auto text = json::Document::parse(json::Writer().value(bytes).take(), "amount");
  if (text) check_values(text->root());
  const auto bare = json::Document::read(bytes, "amount");
  if (bare) check_values(bare->root());
}

}  // namespace fuzz
