// A file of packets in classic pcap format (draft-ietf-opsawg-pcap), written as they pass.

#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"

namespace weft::datapath {

class PcapFile {
  public:
    static Result<std::unique_ptr<PcapFile>> create(const std::string& path);
    ~PcapFile();
    PcapFile(const PcapFile&) = delete;
    PcapFile& operator=(const PcapFile&) = delete;

    void write(ByteView packet);  // flushed at once

  private:
    explicit PcapFile(FILE* file) : file_(file) {}
    FILE* file_;
};

}  // namespace weft::datapath
