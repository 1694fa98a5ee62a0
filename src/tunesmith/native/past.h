// Keys and values of past tokens, and what a new token's queries make of them.
//
// A row's keys of one group lie in blocks of LANES places, [unit of dimensions][place], so that one vector has the same
// unit of LANES places; its values as [unit of places][dimension]. `size` is a place's room: head_dim filled up to LANES.

#pragma once

#include "kinds.h"

extern "C" {

// Of one layer.
struct Past {
    void* keys;  // (room, kv_heads, capacity, size); capacity is a multiple of LANES
    void* values;
};

struct Heads {
    int64_t heads, kv_heads, head_dim, size;
    float epsilon, scaling;
};
}

namespace {

template <class Out>
void normalise(const float* x, const float* weight, int64_t n, float epsilon, typename Out::Number* out) {
    const float scale = 1.0f / std::sqrt(dot(x, x, n) / static_cast<float>(n) + epsilon);
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) Out::put(out + i, load(weight + i) * (load(x + i) * scale));
    for (; i < n; ++i) out[i] = Out::narrow(weight[i] * (x[i] * scale));
}

inline void rotate(const float* x, const float* cosine, const float* sine, int64_t n, float* out) {
    const int64_t half = n / 2;
    for (int64_t i = 0; i < half; ++i) {
        const float a = x[i], b = x[i + half];
        out[i] = a * cosine[i] - b * sine[i];
        out[i + half] = b * cosine[i + half] + a * sine[i + half];
    }
}

// Where one layer's keys or values of a row and a group begin.
template <class Kind>
inline typename Kind::Number* beginning(void* numbers, const Heads& heads, int64_t capacity, int64_t row, int64_t group) {
    return static_cast<typename Kind::Number*>(numbers) + (row * heads.kv_heads + group) * capacity * heads.size;
}

// Put a key and a value (head_dim,) at a place.
template <class Kind>
void remember(const Heads& heads, typename Kind::Number* keys, typename Kind::Number* values, int64_t place,
              const float* key, const float* value) {
    constexpr int64_t pair = Kind::PAIR;
    keys += place / LANES * LANES * heads.size + place % LANES * pair;
    values += place / pair * pair * heads.size + place % pair;
    for (int64_t i = 0; i < heads.head_dim; ++i) {
        keys[i / pair * LANES * pair + i % pair] = Kind::narrow(key[i]);
        values[i * pair] = Kind::narrow(value[i]);
    }
}

// scores of `blocks` times LANES places with a query.
template <class Kind, int blocks>
inline void score(const typename Kind::Number* query, const typename Kind::Number* keys, const Heads& heads, float* scores) {
    Vector sums[blocks] = {};
    for (int64_t i = 0; i < heads.head_dim / Kind::PAIR; ++i) {
        const auto value = unit<Kind>(query, i);
        for (int b = 0; b < blocks; ++b)
            sums[b] = Kind::add(sums[b], Kind::units(keys + b * LANES * heads.size + i * LANES * Kind::PAIR), value);
    }
    for (int b = 0; b < blocks; ++b) store(scores + b * LANES, sums[b] * heads.scaling);
}

// Scores [begin, end) become weights, those around them nothing; returns the weights' sum.
inline float weigh(float* scores, int64_t begin, int64_t end) {
    const int64_t blocks = (end + LANES - 1) / LANES;
    for (int64_t i = 0; i < begin; ++i) scores[i] = -INFINITY;
    for (int64_t i = end; i < blocks * LANES; ++i) scores[i] = -INFINITY;
    Vector most = load(scores);
    for (int64_t b = 1; b < blocks; ++b) {
        const Vector value = load(scores + b * LANES);
        most = value > most ? value : most;
    }
    float lanes[LANES], highest = -INFINITY;
    store(lanes, most);
    for (float lane : lanes) highest = lane > highest ? lane : highest;
    Vector sums = {};
    for (int64_t b = 0; b < blocks; ++b) {  // what does not count comes to exp(-87): nothing, beside the highest's 1
        const Vector value = exponential(load(scores + b * LANES) - highest);
        store(scores + b * LANES, value);
        sums += value;
    }
    for (int64_t i = 0; i < begin; ++i) scores[i] = 0;
    for (int64_t i = end; i < blocks * LANES; ++i) scores[i] = 0;
    return sum(sums);
}

// `vectors` times LANES dimensions of the weighted values of places [begin, end); begin is a multiple of PAIR.
template <class Kind, int vectors>
inline void gather(const typename Kind::Number* weights, const typename Kind::Number* values, int64_t size, int64_t begin,
                   int64_t end, Vector* out) {
    constexpr int64_t pair = Kind::PAIR;
    Vector sums[2][vectors] = {};
    const auto add = [&](int64_t i, int which) {
        const auto weight = unit<Kind>(weights, i);
        for (int v = 0; v < vectors; ++v)
            sums[which][v] = Kind::add(sums[which][v], Kind::units(values + (i * size + v * LANES) * pair), weight);
    };
    int64_t i = begin / pair;
    const int64_t whole = end / pair;
    for (; i + 2 <= whole; i += 2) {
        add(i, 0);
        add(i + 1, 1);
    }
    if (i < whole) add(i, 0);
    if (end % pair) {  // beside the last place lies what an earlier row left there, which may be NaN
        const auto weight = unit<Kind>(weights, whole);
        for (int v = 0; v < vectors; ++v)
            sums[1][v] = Kind::add(sums[1][v], Kind::first_only(Kind::units(values + (whole * size + v * LANES) * pair)), weight);
    }
    for (int v = 0; v < vectors; ++v) out[v] = sums[0][v] + sums[1][v];
}

// One query's sight of places [first, last] of its row: out (head_dim,). `scratch`: 2 capacity floats.
template <class Kind>
void look(const Heads& heads, const typename Kind::Number* query, const typename Kind::Number* keys,
          const typename Kind::Number* values, int64_t first, int64_t last, float* scratch, typename Kind::Number* out) {
    const int64_t base = first / LANES * LANES, count = last + 1 - base, size = heads.size;
    const int64_t blocks = (count + LANES - 1) / LANES;
    keys += base * size;
    values += base * size;
    int64_t b = 0;
    for (; b + 4 <= blocks; b += 4) score<Kind, 4>(query, keys + b * LANES * size, heads, scratch + b * LANES);
    for (; b < blocks; ++b) score<Kind, 1>(query, keys + b * LANES * size, heads, scratch + b * LANES);
    const float scale = 1.0f / weigh(scratch, first - base, count);
    auto* weights = reinterpret_cast<typename Kind::Number*>(scratch);  // narrowed in place, from the front
    for (b = 0; b < blocks; ++b) Kind::put(weights + b * LANES, load(scratch + b * LANES));
    const int64_t begin = (first - base) / Kind::PAIR * Kind::PAIR;
    for (int64_t i = 0; i < heads.head_dim;) {
        Vector sums[4];
        const int64_t left = size - i;
        const auto* from = values + i * Kind::PAIR;
        const int64_t done = left >= 4 * LANES ? 4 : left >= 2 * LANES ? 2 : 1;
        if (done == 4) gather<Kind, 4>(weights, from, size, begin, count, sums);
        else if (done == 2) gather<Kind, 2>(weights, from, size, begin, count, sums);
        else gather<Kind, 1>(weights, from, size, begin, count, sums);
        for (int64_t v = 0; v < done && i < heads.head_dim; ++v, i += LANES)
            put_some<Kind>(out + i, sums[v] * scale, heads.head_dim - i);
    }
}

}  // namespace
