#include "sim/wallet.hpp"

#include <algorithm>

#include "bitcoin/transaction.hpp"
#include "sim/coin_selection.hpp"
#include "sim/script.hpp"

namespace sim {

Wallet::Wallet(Random& random, const Setup& setup) : height(setup.height), random_(random) {
  for (const auto& coin : setup.coins) receive(coin);
}

Coin* Wallet::find(const bitcoin::Outpoint& outpoint) {
  const auto found =
      std::find_if(coins_.begin(), coins_.end(), [&outpoint](const Coin& coin) { return coin.outpoint == outpoint; });
  return found == coins_.end() ? nullptr : &*found;
}

bool Wallet::is_reserved(const Coin& coin) const {
  return coin.state == Coin::State::reserved && coin.reserved_until > height;
}

void Wallet::reserve(Coin& coin, std::uint32_t blocks) {
  coin.reserved_until = std::max(coin.reserved_until, height) + blocks;
  coin.heights.insert(coin.reserved_until);
  coin.state = Coin::State::reserved;
}

void Wallet::unreserve(Coin& coin, std::uint32_t blocks) {
  if (coin.state != Coin::State::reserved) return;
  if (coin.reserved_until <= std::uint64_t{height} + blocks) {
    coin.state = Coin::State::available;
    coin.reserved_until = 0;
  } else {
    coin.reserved_until -= blocks;
    coin.heights.insert(coin.reserved_until);
  }
}

bool Wallet::is_taken() const {
  return std::any_of(coins_.begin(), coins_.end(), [this](const Coin& coin) {
    return coin.meddled && is_reserved(coin) && coin.others_until > height;
  });
}

void Wallet::free(Coin& coin) {
  unreserve(coin, coin.reserved_until);
  coin.others_until = 0;
}

void Wallet::take(Coin& coin, std::uint32_t blocks, spark::Duration now) {
  coin.taken_at = now;
  if (coin.state == Coin::State::spent) return;
  // A reservation is a height and nothing else: one of theirs to the very height of ours cannot be told
  // from ours by anybody, though ours was extended meanwhile and we have not heard of it; nor one block above what is
  // reserved again, when a block may have come; nor one that our txdiscard leaves, which may have no answer. They are
  // off by some.
  const auto is_ours = [&coin](std::uint32_t end) {
    return coin.heights.contains(end) || coin.heights.contains(end - 1) || coin.heights.contains(end + default_reserve);
  };
  while (blocks > 0 && is_ours(height + blocks)) ++blocks;
  free(coin);
  coin.meddled = true;
  if (blocks == 0) return;
  coin.others_until = height + blocks;
  reserve(coin, blocks);
}

util::Bytes Wallet::new_script(ScriptKind kind) {
  util::Bytes script = make_script(random_, kind);
  scripts_.insert(script);
  return script;
}

Coin& Wallet::receive(const CoinSetup& setup) {
  Coin coin;
  coin.amount = setup.amount;
  coin.script = new_script(setup.kind);
  if (setup.confirmed) coin.height = height - 6;

  // A whole transaction that pays it, as fundpsbt puts it into the PSBT.
  const auto vout = static_cast<std::uint32_t>(random_.below(2));
  const util::Bytes source = random_.bytes(32);
  bitcoin::Transaction transaction;
  transaction.inputs.push_back({{bitcoin::Txid::from_hex(util::to_hex(source)).value(), 0}, 0xFFFFFFFDu});
  transaction.outputs.push_back({bitcoin::Sat{1'000'000}, make_script(random_, ScriptKind::p2wpkh)});
  transaction.outputs.insert(transaction.outputs.begin() + vout, {coin.amount, coin.script});
  coin.transaction = transaction.serialise();
  coin.outpoint = {transaction.txid(), vout};

  coins_.push_back(std::move(coin));
  if (setup.reserved_by_others > 0) coins_.back().others_until = height + setup.reserved_by_others;
  if (setup.reserved_by_others > 0) reserve(coins_.back(), setup.reserved_by_others);
  return coins_.back();
}

void Wallet::add_change(const bitcoin::Outpoint& outpoint, bitcoin::Sat amount, util::Bytes script) {
  if (find(outpoint) != nullptr) return;
  Coin coin;
  coin.outpoint = outpoint;
  coin.amount = amount;
  coin.script = std::move(script);
  coins_.push_back(std::move(coin));
}

void Wallet::forget_spent() {
  while (!coins_.empty() && coins_.front().state == Coin::State::spent) coins_.pop_front();
}

}  // namespace sim
