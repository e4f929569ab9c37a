#include "datapath/dummy/pcap_file.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>

#include "base/clock.h"

namespace weft::datapath {

namespace {

struct FileHeader {
    uint32_t magic = 0xa1b2c3d4;  // microseconds, this machine's byte order
    uint16_t major = 2, minor = 4;
    int32_t zone = 0;
    uint32_t accuracy = 0, snap_length = 65535 + 64, link_type = 1;
};
struct PacketHeader {
    uint32_t seconds, microseconds, captured, length;
};

}  // namespace

Result<std::unique_ptr<PcapFile>> PcapFile::create(const std::string& path) {
    FILE* file = std::fopen(path.c_str(), "wbe");
    if (!file) return Error{fmt::format("{}: {}", path, std::strerror(errno))};
    FileHeader header;
    std::fwrite(&header, sizeof header, 1, file);
    std::fflush(file);
    return std::unique_ptr<PcapFile>(new PcapFile(file));
}

PcapFile::~PcapFile() {
    std::fclose(file_);
}

void PcapFile::write(ByteView packet) {
    int64_t now = clock::wall_ms();
    uint32_t size = static_cast<uint32_t>(packet.size());
    PacketHeader header{static_cast<uint32_t>(now / 1000), static_cast<uint32_t>(now % 1000 * 1000), size,
                        size};
    std::fwrite(&header, sizeof header, 1, file_);
    std::fwrite(packet.data(), 1, packet.size(), file_);
    std::fflush(file_);
}

}  // namespace weft::datapath
