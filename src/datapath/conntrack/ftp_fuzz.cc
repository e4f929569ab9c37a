// Text of FTP control connections: what is found lies in it, and said of another address it is found again.

#include <cstdlib>

#include "datapath/conntrack/ftp.h"

using namespace weft::datapath::conntrack;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 1) return 0;
    bool command = data[0] & 1, v6 = data[0] & 2;
    std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
    auto found = find_ftp_mention(text, command, v6);
    if (!found) return 0;
    if (found->at + found->size > text.size() || !found->port) std::abort();
    weft::packet::Ipv6Addr address{};
    address[0] = 32, address[3] = 1;
    std::string again = ftp_mention_text(*found, address, 4321, v6);
    text.replace(found->at, found->size, again);
    auto second = find_ftp_mention(text, command, v6);
    if (text.size() < 256 && (!second || second->port != 4321)) std::abort();
    return 0;
}
