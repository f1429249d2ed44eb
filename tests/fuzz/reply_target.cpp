// What lightningd answers to the plugin's calls. The first byte chooses the call.

#include <iterator>
#include <string>

#include "chain/chain_replies.hpp"
#include "fuzz/targets.hpp"
#include "json/value.hpp"
#include "lightningd/replies.hpp"

namespace fuzz {

namespace {

/// Reads a result, whatever it becomes. Something that is wrong with it has a name.
template <auto reader>
void read(const json::Value& result) {
  const auto value = reader(result);
  if (!value) require(!value.error().message.empty(), "an error has a message");
}

namespace r = lightningd::replies;
namespace c = chain::replies;

/// Every reader of a reply that there is. The files of the corpus begin with a place in this list, so that new ones
/// come last.
constexpr void (*readers[])(const json::Value&) = {
    read<r::usage>,         read<r::node_info>,      read<r::log_lines>,       read<r::feerate_limits>,
    read<r::node_limits>,   read<r::connected>,      read<r::is_connected>,    read<r::feerate>,
    read<r::funded>,        read<r::reservations>,   read<r::started>,         read<r::completed>,
    read<r::peer_channels>, read<r::wallet_outputs>, read<r::signed_psbt>,     read<r::sent>,
    read<r::prepared>,      read<r::p2tr_address>,   read<r::addresses>,       read<r::secret>,
    read<r::generation>,    read<r::stored_texts>,   read<r::policy_warnings>, read<r::anything>,
    read<c::output>,        read<c::is_output>,      read<c::blocks>,          read<c::txids>,
    read<c::transactions>,  read<c::recorded>,
};

}  // namespace

void replies(std::string_view bytes) {
  if (bytes.empty()) return;
  const auto which = static_cast<unsigned char>(bytes[0]);
  const auto document = json::Document::read(bytes.substr(1), "result");
  if (document) readers[which % std::size(readers)](document->root());
}

}  // namespace fuzz
