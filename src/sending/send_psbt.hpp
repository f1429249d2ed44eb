#pragma once

#include <memory>

#include "context/settings.hpp"
#include "ledger/ledger.hpp"
#include "lightningd/client.hpp"

namespace sending {

/// sendpsbt, with the ledger told whether it is answered: it is not undone and not repeated before. Until
/// the transaction confirms, its inputs count as unspent and only their reservation keeps the wallet
/// from choosing them again; lightningd takes the added blocks back when it fails.
inline void send_psbt(const lightningd::Client& client, const util::SharedText& psbt, const context::Settings& settings,
                      std::shared_ptr<ledger::Ledger> ledger, lightningd::Reply<lightningd::Sent> then) {
  ledger->send_in_flight = true;
  // What the record says that each sendpsbt adds; those of the first versions say nothing.
  const auto recorded = ledger->reservation.sent_blocks;
  client.sendpsbt(psbt, recorded > 0 ? recorded : settings.sent_reservation,
                  [ledger, then = std::move(then)](util::Result<lightningd::Sent> answer) mutable {
                    ledger->send_in_flight = false;
                    then(std::move(answer));
                  });
}

}  // namespace sending
