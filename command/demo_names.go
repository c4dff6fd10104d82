package command

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"rollcall/accounts"
)

// language lists the given names and the family names of people who speak it, as many of each. The words are separated
// by spaces. In scripts other than Latin, the spelling for usernames follows after a colon.
type language struct {
	given, family string
	order         nameOrder
}

type nameOrder uint8

const (
	givenFirst  nameOrder = iota
	familyFirst           // with a space between
	joined                // family first, without a space
)

// namesOfEach is how many given names and how many family names every language has.
const namesOfEach = 20

// languages are those that made-up people take turns in. No two of them spell a family name alike in usernames.
var languages = []language{
	{
		given: `Alice Aoife Benjamin Caitlin Declan Eleanor Finn Hannah Isla Jack Liam Maeve Niamh Oscar Poppy Rory
			Saoirse Tom Una Will`,
		family: `Ashdown Brennan Carroway Doyle Ellery Fairley Gallagher Hargreaves Irving Jessop Kavanagh Lockwood
			MacLeod Nolan O’Sullivan Pemberton Quigley Rafferty Sheridan Thackeray`,
	},
	{
		given: `Åsa Birgit Erik Freja Gösta Håkon Ingrid Jørgen Kåre Linnea Magnus Nils Oda Pål Ronja Signe Søren
			Torbjörn Ulrika Vilde`,
		family: `Ahlgren Bakke Carlsen Dahl Ekström Fjeld Granqvist Hågensen Isaksson Jørgensen Kjær Lundgård Møller
			Nygaard Östlund Paulsen Rønning Sjögren Thorsen Ångström`,
	},
	{
		given: `Adèle Benoît Célestine Damien Élodie François Gaëlle Hélène Inès Jérôme Koffi Léa Maëlys Noël Océane
			Pascal Renée Solène Théo Zoé`,
		family: `Aubert Blanchard Chevalier Delacroix Étienne Faucher Guérin Hébert Imbert Joubert Kermarrec Lacombe
			Moreau Noailles Olivier Périgord Renaud Sauvage Thibault Vasseur`,
	},
	{
		given: `Álvaro Begoña Camilo Dolores Emilia Fermín Guadalupe Héctor Itziar Joaquín Leticia Martín Nuria
			Óscar Paloma Ramón Sofía Tomás Verónica Ximena`,
		family: `Aguirre Barrios Cárdenas Domínguez Echeverría Figueroa Gutiérrez Hinojosa Ibarra Jaramillo Landa
			Muñoz Narváez Ocampo Peñalosa Quintero Rincón Saldívar Urrutia Zúñiga`,
	},
	{
		given: `Agnieszka Bartosz Cezary Dorota Elżbieta Filip Grażyna Henryk Irena Jakub Kinga Łukasz Małgorzata
			Norbert Olga Paweł Renata Stanisław Urszula Żaneta`,
		family: `Adamczyk Borowski Cieślak Dąbrowa Fijałkowski Gołębiewski Hałas Jaworski Kaźmierczak Leśniak
			Maciejewski Nowicki Olszewski Piątek Rutkowski Świątek Tokarczuk Urban Woźniak Żuraw`,
	},
	{
		given: `Ayşe Barış Cem Deniz Elif Fikret Gülşah Hakan İpek Kerem Leyla Melis Nazlı Onur Ömer Pınar Rüya
			Sibel Tuğba Ümit`,
		family: `Akın Başaran Cengiz Demirtaş Erdoğdu Fırat Güneş Hacıoğlu Işık Karadağ Koç Levent Mutlu Nalbant
			Özdemir Pekcan Sağlam Şahin Tekin Ünal`,
	},
	{
		given:  `An Bảo Chi Dung Giang Hà Hiếu Khánh Lan Linh Long Mai Minh Ngọc Phúc Quân Thảo Trang Tú Vy`,
		family: `Bùi Cao Châu Đặng Đinh Đoàn Dương Hoàng Hồ Huỳnh Lâm Lương Mạc Ngô Phạm Phan Tạ Trịnh Võ Vũ`,
		order:  familyFirst,
	},
	{
		given: `Abena Adebayo Akosua Chidi Chioma Emeka Efua Femi Folake Ifeoma Kwabena Kwame Ngozi Nkechi Obinna
			Sade Tunde Uche Yaa Yewande`,
		family: `Adeyemi Agyeman Amponsah Asante Balogun Boateng Danquah Ezeh Frimpong Igwe Kalu Lawal Nwosu Obi
			Ogunleye Okoro Onyeka Owusu Sarpong Uzoma`,
	},
	{
		given: `Aarav Ananya Arjun Deepa Farhan Gauri Ishaan Jyoti Kiran Lakshmi Meera Nikhil Padma Rohan Sanjana
			Shreya Tara Uma Varun Vidya`,
		family: `Agarwal Banerjee Chatterjee Deshpande Gokhale Iyer Joshi Kulkarni Lal Mehta Nair Pillai Qureshi Rao
			Saxena Subramanian Thakur Upadhyay Varma Yadav`,
	},
	{
		given: `Андрій:andriy Богдана:bohdana Вадим:vadym Галина:halyna Дарина:daryna Євген:yevhen Злата:zlata
			Ігор:ihor Катерина:kateryna Лариса:larysa Максим:maksym Наталя:natalya Оксана:oksana Павло:pavlo
			Роман:roman Світлана:svitlana Тарас:taras Уляна:ulyana Юрій:yuriy Ярина:yaryna`,
		family: `Бондар:bondar Василенко:vasylenko Гнатюк:hnatiuk Дорошенко:doroshenko Зінчук:zinchuk
			Іваненко:ivanenko Кравець:kravets Лисенко:lysenko Мельник:melnyk Назаренко:nazarenko Остапчук:ostapchuk
			Пономаренко:ponomarenko Романюк:romaniuk Савчук:savchuk Ткач:tkach Федорук:fedoruk Харченко:kharchenko
			Цимбал:tsymbal Шевчук:shevchuk Яременко:yaremenko`,
	},
	{
		given: `أحمد:ahmad أمينة:amina باسم:basim جمال:jamal حسن:hassan دانا:dana رانيا:rania زياد:ziad سلمى:salma
			شادي:shadi صفاء:safa عادل:adel فرح:farah كريم:karim لينا:lina مريم:maryam نادر:nader هدى:huda وليد:walid
			ياسمين:yasmin`,
		family: `الأمين:alamin بركات:barakat جابر:jaber حمدان:hamdan خليل:khalil درويش:darwish رشيد:rashid
			زيدان:zeidan سليم:salim شاهين:shaheen صالح:saleh طه:taha عباس:abbas غانم:ghanem فارس:fares قاسم:qasim
			كنعان:kanaan مراد:murad نجار:najjar هاشم:hashem`,
	},
	{
		given: `安琪:anqi 博文:bowen 晨曦:chenxi 丹妮:danni 芳:fang 国强:guoqiang 慧敏:huimin 佳怡:jiayi 凯:kai
			丽娟:lijuan 明:ming 娜:na 鹏飞:pengfei 倩:qian 瑞:rui 思远:siyuan 婷婷:tingting 伟:wei 晓燕:xiaoyan
			子涵:zihan`,
		family: `蔡:cai 邓:deng 冯:feng 高:gao 郭:guo 韩:han 胡:hu 黄:huang 蒋:jiang 李:li 刘:liu 罗:luo 马:ma
			彭:peng 沈:shen 唐:tang 谢:xie 徐:xu 赵:zhao 周:zhou`,
		order: joined,
	},
	{
		given: `葵:aoi 大輔:daisuke 恵美:emi 文子:fumiko 春香:haruka 健太:kenta 航平:kohei 真理子:mariko 直樹:naoki
			遼:ryo 沙織:saori 翔太:shota 拓也:takuya 智子:tomoko 美咲:misaki 悠斗:yuto 陽子:yoko 千尋:chihiro
			亮介:ryosuke 菜々子:nanako`,
		family: `安藤:ando 遠藤:endo 藤田:fujita 後藤:goto 林:hayashi 石川:ishikawa 加藤:kato 小林:kobayashi
			松本:matsumoto 三浦:miura 中村:nakamura 西村:nishimura 岡田:okada 坂本:sakamoto 清水:shimizu
			高橋:takahashi 上田:ueda 渡辺:watanabe 山口:yamaguchi 吉田:yoshida`,
		order: familyFirst,
	},
	{
		given: `보람:boram 채원:chaewon 다은:daeun 은지:eunji 건우:geonwoo 하늘:haneul 현우:hyunwoo 지민:jimin
			준호:junho 경희:kyunghee 미나:mina 나리:nari 서준:seojun 소영:soyoung 수빈:subin 태민:taemin 우진:woojin
			예린:yerin 유나:yuna 영수:youngsoo`,
		family: `안:ahn 배:bae 차:cha 조:cho 최:choi 정:jung 강:kang 구:koo 권:kwon 이:lee 임:lim 문:moon 노:noh
			오:oh 서:seo 신:shin 송:song 윤:yoon 유:yoo 전:jeon`,
		order: joined,
	},
}

// name is one name and its spelling in a username.
type name struct{ shown, plain string }

// namesIn parses a list of names.
func namesIn(list string) []name {
	var all []name
	for word := range strings.FieldsSeq(list) {
		shown, plain, other := strings.Cut(word, ":")
		if !other {
			plain = plainLetters(shown)
		}
		all = append(all, name{shown, plain})
	}
	return all
}

// notDecomposed replaces the Latin letters that Unicode doesn't take apart into a letter and a mark.
var notDecomposed = strings.NewReplacer("ø", "o", "æ", "ae", "ł", "l", "đ", "d", "ı", "i")

// plainLetters returns a Latin name in the letters of a username.
func plainLetters(name string) string {
	lower := notDecomposed.Replace(strings.ToLower(name))
	return strings.Map(func(r rune) rune {
		if r < 'a' || r > 'z' {
			return -1 // a mark or an apostrophe
		}
		return r
	}, norm.NFD.String(lower))
}

// madeUpPeople returns n people with names from the lists. Every pair of a given and a family name comes up once before
// any comes up again, and no username comes up twice.
func madeUpPeople(n int) []accounts.NewUser {
	given, family := make([][]name, len(languages)), make([][]name, len(languages))
	for i, l := range languages {
		given[i], family[i] = namesIn(l.given), namesIn(l.family)
	}
	people := make([]accounts.NewUser, n)
	for i := range people {
		l, turn := i%len(languages), i/len(languages)
		people[i] = languages[l].person(
			given[l][turn%namesOfEach],
			family[l][(turn+turn/namesOfEach)%namesOfEach],
			turn/(namesOfEach*namesOfEach),
		)
	}
	return people
}

// person returns a person whose names came up again times before.
func (l *language) person(given, family name, again int) accounts.NewUser {
	username, middle := given.plain+"."+family.plain, " "
	if again > 0 {
		username = fmt.Sprintf("%s%d", username, again+1)
		if unicode.Is(unicode.Latin, []rune(given.shown)[0]) {
			middle = fmt.Sprintf(" %c. ", 'A'+(again-1)%26)
		}
	}
	switch l.order {
	case joined:
		return accounts.NewUser{Username: username, DisplayName: family.shown + given.shown}
	case familyFirst:
		return accounts.NewUser{Username: username, DisplayName: family.shown + " " + given.shown}
	}
	return accounts.NewUser{Username: username, DisplayName: given.shown + middle + family.shown}
}
