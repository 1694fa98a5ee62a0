// Matrix products of bf16 in the tiles of processors that have them (AMX): sums in fp32.

#pragma once

#include "numbers.h"

#if defined(__AMX_BF16__) && defined(__AMX_TILE__) && defined(__linux__)
#define TUNESMITH_TILES 1
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

constexpr int64_t TILE = 16;        // rows of a tile, and columns of fp32
constexpr int64_t TILE_DEPTH = 32;  // bf16 in a row of the left tile

inline int64_t rounded(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// Whether this process may use tiles; the system must be asked once.
inline bool tiles_allowed() {
    constexpr long request_permission = 0x1023, tile_data = 18;
    static const bool allowed = syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
    return allowed;
}

// Within a scope this thread's eight tiles are all 16 rows of 64 bytes.
struct Tiles {
    Tiles() {
        alignas(64) uint8_t shape[64] = {1};  // palette 1; then bytes a row from 16 on, rows from 48 on
        for (int tile = 0; tile < 8; ++tile) {
            shape[16 + 2 * tile] = 64;
            shape[48 + tile] = 16;
        }
        _tile_loadconfig(shape);
    }
    ~Tiles() { _tile_release(); }
    Tiles(const Tiles&) = delete;
};

// c (rows, columns) (+)= a (rows, depth) times b, which lies in pairs of its rows: b[k / 2][column][k % 2]. All sizes are
// multiples of a tile's; row_a in bf16, row_b in pairs, row_c in fp32.
struct TileProduct {
    const Bf16 *a, *b;
    float* c;
    int64_t row_a, row_b, row_c, rows, columns, depth;
    bool add;
};

template <int M, int N>
inline void tile_block(const TileProduct& p, int64_t i, int64_t j) {
    float* c = p.c + i * p.row_c + j;
    const int64_t bytes_c = p.row_c * 4, bytes_a = p.row_a * 2, bytes_b = p.row_b * 4;
    float* below = c + TILE * p.row_c;
    if (p.add) {
        _tile_loadd(0, c, bytes_c);
        if constexpr (N > 1) _tile_loadd(1, c + TILE, bytes_c);
        if constexpr (M > 1) _tile_loadd(2, below, bytes_c);
        if constexpr (M > 1 && N > 1) _tile_loadd(3, below + TILE, bytes_c);
    } else {
        _tile_zero(0);
        if constexpr (N > 1) _tile_zero(1);
        if constexpr (M > 1) _tile_zero(2);
        if constexpr (M > 1 && N > 1) _tile_zero(3);
    }
    for (int64_t k = 0; k < p.depth; k += TILE_DEPTH) {
        const Bf16 *a = p.a + i * p.row_a + k, *b = p.b + (k / 2 * p.row_b + j) * 2;
        _tile_loadd(4, a, bytes_a);
        _tile_loadd(6, b, bytes_b);
        _tile_dpbf16ps(0, 4, 6);
        if constexpr (N > 1) {
            _tile_loadd(7, b + 2 * TILE, bytes_b);
            _tile_dpbf16ps(1, 4, 7);
        }
        if constexpr (M > 1) {
            _tile_loadd(5, a + TILE * p.row_a, bytes_a);
            _tile_dpbf16ps(2, 5, 6);
        }
        if constexpr (M > 1 && N > 1) _tile_dpbf16ps(3, 5, 7);
    }
    _tile_stored(0, c, bytes_c);
    if constexpr (N > 1) _tile_stored(1, c + TILE, bytes_c);
    if constexpr (M > 1) _tile_stored(2, below, bytes_c);
    if constexpr (M > 1 && N > 1) _tile_stored(3, below + TILE, bytes_c);
}

template <int M>
inline void tile_rows(const TileProduct& p, int64_t i) {
    int64_t j = 0;
    for (; j + 2 * TILE <= p.columns; j += 2 * TILE) tile_block<M, 2>(p, i, j);
    if (j < p.columns) tile_block<M, 1>(p, i, j);
}

inline void multiply(const TileProduct& p) {
    int64_t i = 0;
    for (; i + 2 * TILE <= p.rows; i += 2 * TILE) tile_rows<2>(p, i);
    if (i < p.rows) tile_rows<1>(p, i);
}

}  // namespace
#endif
